-- What a period is closed with, read under the ledger's lock.

-- name: totals
-- What stands at each kind of place of each fund's money by the end of a month.
select figure, fund, sum(amount)::bigint from view_period
where grain = 'month' and since <= %(through)s
    and figure in ('case', 'cost', 'fee', 'fund', 'hold', 'hospital', 'out', 'refunded', 'used')
group by 1, 2 having sum(amount) <> 0
order by figure collate "C", fund collate "C"

-- name: open_lines
-- Lines up to a day that are not settled, each with its state: unmatched, partial, or disputed.
with taken as (
    select file, statement, ordinal, sum(amount_minor) as amount, bool_or(kind = 'disputed') as disputed
    from line_part where undone is null group by 1, 2, 3
)
select line.statement, line.ordinal,
    case when disputed then 'disputed' when taken.amount is null then 'unmatched' else 'partial' end
from bank_line line
join bank_statement on bank_statement.id = line.statement
left join bank_acceptance using (statement)
left join taken on taken.file = sha256 and taken.statement = position and taken.ordinal = line.ordinal
where amount_minor <> 0 and line.currency = (select currency from head) and (ties or bank_acceptance.by is not null)
    and (%(through)s::date is null or booked_on <= %(through)s) and (taken.amount is distinct from amount_minor or disputed)
order by line.statement, line.ordinal

-- name: statements
-- Statements in the ledger's currency, and whether each counts: it ties, or was accepted.
select id, coalesce(ties, false) or bank_acceptance.by is not null
from bank_statement left join bank_acceptance on bank_acceptance.statement = id
where currency = (select currency from head)

-- name: cash_entries
-- Entries that name accounts or suspended receipts, with the day on which each was reversed.
select entry.type, entry.body, convert_from(undoing.body, 'UTF8')::jsonb -> 'data' ->> 'on'
from entry left join reversal on reverses = entry.seq left join entry undoing on undoing.seq = reversal.seq
where entry.type = any(%s)
    and (position('"cash":['::bytea in entry.body) > 0 or position('"suspense":"'::bytea in entry.body) > 0)
order by entry.seq

-- name: shifted
-- What standing matches of lines up to a day moved from accounts of legs to accounts of lines.
with late as (
    select seq, max(booked_on) as through from line_part where kind = 'matched' and undone is null group by seq
), part as (
    select seq, account, amount_minor from line_part where kind = 'matched' and undone is null
    union all
    select seq, account, -amount_minor from leg_part where undone is null
)
select account, sum(amount_minor)::bigint from part join late using (seq)
where late.through <= %s group by account having sum(amount_minor) <> 0

-- name: accounts
-- Accounts that are open: kind, and when they were opened.
select id, kind, (convert_from(body, 'UTF8')::jsonb ->> 'at') from account join entry using (seq) order by id collate "C"

-- name: periods
-- The periods that were closed, and which entry opened each again.
select period, through, seq, reopened from period_close order by seq

-- name: cut_off
-- Cash legs that matched a line whose day lies in another month than the entry's posting date. Of a month, from `first` to
-- `last`: what is posted there, which its bytes tell before they are read (`mark`), and booked elsewhere, or the other way.
select entry.seq, entry.stream, entry.type, said.posted_on, leg.account, leg.amount_minor, line.booked_on
from leg_part leg
join entry on entry.seq = leg.entry
join (
    select seq, max(booked_on) as booked_on from line_part where undone is null and kind = 'matched' group by seq
) line on line.seq = leg.seq
cross join lateral (
    select (convert_from(entry.body, 'UTF8')::jsonb -> 'data' ->> 'on')::date as posted_on offset 0
) said
where leg.undone is null
    and (%(mark)s::bytea is null
        or (position(%(mark)s::bytea in entry.body) > 0) <> (line.booked_on between %(first)s::date and %(last)s::date))
    and date_trunc('month', said.posted_on) <> date_trunc('month', line.booked_on)
order by entry.seq, leg.leg

-- name: first_day
-- The first day on which anything was posted.
select min(since) from view_period where grain = 'month'
