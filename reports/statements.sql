-- What statements read beside what the entries posted.

-- name: names
-- What funds and hospitals are called, by their streams.
select stream, convert_from(body, 'UTF8')::jsonb #>> '{data,name}' from entry
where type in ('FundOpened', 'HospitalRegistered') and seq < %(size)s

-- name: advances
-- What was paid to hospitals for cases, settled and returned, by day, in the entries below seq %(size)s posted by %(until)s.
-- A reversal counts against what it takes back.
select hospital, case_id, posted_on, step, sum(amount)::bigint
from (
    select hospital, case_id, posted_on, 'opening_balance' as step, hi - lo as amount from view_gift
    where hospital is not null and seq < %(size)s and posted_on <= %(until)s
    union all
    select target_hospital, target_case, posted_on,
        case when source_kind = 'used' then 'settled' when type = 'EntryReversed' then 'returned' else 'paid' end, hi - lo
    from view_movement
    where target_kind = 'hospital' and seq < %(size)s and posted_on <= %(until)s
    union all
    select source_hospital, source_case, posted_on,
        case when target_kind = 'used' then 'settled' when target_kind = 'void' then 'opening_balance'
            when type = 'EntryReversed' then 'paid' else 'returned' end, lo - hi
    from view_movement
    where source_kind = 'hospital' and seq < %(size)s and posted_on <= %(until)s
) step group by 1, 2, 3, 4 order by 1, 2, 3, 4

-- name: held
-- What the entries below seq %(size)s posted by %(until)s left at funds and cases, as fees and on hold.
select kind, sum(amount)::bigint
from (
    select split_part(target, '/', 1) as kind, hi - lo as amount from view_gift
    where seq < %(size)s and posted_on <= %(until)s
    union all
    select target_kind, hi - lo from view_movement where seq < %(size)s and posted_on <= %(until)s
    union all
    select source_kind, lo - hi from view_movement where seq < %(size)s and posted_on <= %(until)s
) step where kind in ('fund', 'case', 'fee', 'hold') group by 1

-- name: bodies
-- The entries below a size, in order, as they were hashed.
select body from entry where seq < %(size)s order by seq

-- name: bank_statements
-- Statements that count, in the ledger's currency.
select id from bank_statement left join bank_acceptance on statement = id
where currency = %(currency)s and (ties or bank_acceptance.by is not null) order by id

-- name: bank_balances
-- Of these statements, the newest closing balance of each account by a day.
select distinct on (account) account, last_on, closing_minor from bank_statement
where id = any(%(statements)s) and closing_minor is not null and last_on <= %(until)s
order by account, last_on desc, id desc

-- name: bank_lines
-- Their lines by that day, of accounts that have such a balance, up to the balance's day.
select encode(sha256, 'hex'), position, ordinal, 'B' || bank_statement.id || '/' || ordinal, line.account, booked_on,
    amount_minor, bank_ref
from bank_line line join bank_statement on id = line.statement
where id = any(%(statements)s) and amount_minor <> 0 and booked_on <= (
    select max(each.last_on) from bank_statement each
    where each.id = any(%(statements)s) and each.account = line.account and each.closing_minor is not null
      and each.last_on <= %(until)s)
order by line.account, booked_on, bank_statement.id, ordinal

-- name: matches
-- What entries below seq %(size)s said of lines, and none of them took back.
select body from entry
where type in ('LinesMatched', 'LinesWrittenOff') and stream >= 'match/' and stream < 'match0' and seq < %(size)s
  and not exists (
    select from entry undone
    where undone.stream = entry.stream and undone.type = 'LinesUnmatched' and undone.seq < %(size)s)
order by seq
