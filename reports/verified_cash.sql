-- The tables of accounts, suspense, matches, periods and reversals, as `verified_cash` sets them against the entries.

-- name: accounts
-- Accounts with their kinds; of none whose entry opened no such account.
select account.id, account.kind from account join entry on entry.seq = account.seq
where type = 'AccountOpened' and stream = 'account/' || id
union all
select id, 'none' from account where not exists (
    select from entry where entry.seq = account.seq and type = 'AccountOpened' and stream = 'account/' || id
)

-- name: suspense
-- Suspended receipts that were not reversed: amount, what is left, since when it is there.
select id, amount_minor, left_minor, since::text from suspense where amount_minor <> 0 or left_minor <> 0

-- name: reversals
-- Which entry reversed which.
select reverses, seq from reversal

-- name: closes
-- The periods that are closed, oldest first.
select period, through::text from period_close where reopened is null order by through

-- name: line_part
-- Parts of lines that were taken.
select match, kind, encode(file, 'hex'), statement, ordinal, account, booked_on::text, amount_minor, seq from line_part

-- name: leg_part
-- Parts of cash legs that were taken.
select seq, entry, leg, account, amount_minor from leg_part

-- name: parts_undone
-- Matches that stand no more, and the entries that undid them.
select distinct match, undone from line_part where undone is not null

-- name: torn
-- A match of which a part stands and another does not, or which has legs and no line.
select from (
    select seq, undone from line_part union all select seq, undone from leg_part
) part group by seq having count(distinct undone) > 1 or count(undone) not in (0, count(*))
union all
select from leg_part where not exists (select from line_part where line_part.seq = leg_part.seq)
limit 1

-- name: period_close
-- Periods that were ever closed.
select period, through::text, seq from period_close

-- name: periods_reopened
-- And opened again.
select period, reopened from period_close where reopened is not null
