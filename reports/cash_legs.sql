-- What is reconciled: lines of statements and the cash legs of entries.

-- name: snapshot
-- One state of the database for all that is read.
set transaction isolation level repeatable read, read only

-- name: lines
-- Lines of statements that tie or were accepted.
select statement, ordinal, line.account, booked_on, amount_minor, bank_ref, order_ref
from bank_line line join bank_statement on id = line.statement left join bank_acceptance using (statement)
where amount_minor <> 0 and line.currency = %(currency)s and (ties or bank_acceptance.by is not null)
order by statement, ordinal

-- name: entries
-- A page of entries that may move cash, without those that were reversed: a line each, put together.
select string_agg(body, '\x0a'::bytea order by seq) from (
    select entry.seq, body from entry left join reversal on reverses = entry.seq
    where entry.seq > %(after)s and type = any(%(types)s) and reverses is null
    order by entry.seq limit %(limit)s
) one

-- name: held
-- What the ledger holds, by kind of place: at funds and cases, as fees, on hold.
select split_part(place, '/', 1) as kind, sum(hi - lo)::bigint from holding
where split_part(place, '/', 1) in ('fund', 'case', 'fee', 'hold') group by 1

-- name: suspense
-- What is owed of suspended receipts.
select coalesce(sum(left_minor), 0)::bigint from suspense

-- name: open_lines
-- Of these lines, those of which nothing is taken.
select line.statement, line.ordinal, line.account, booked_on, amount_minor, bank_ref, order_ref
from bank_line line join bank_statement on id = line.statement left join bank_acceptance using (statement)
where amount_minor <> 0 and line.currency = %(currency)s and (ties or bank_acceptance.by is not null)
    and not exists (
        select from line_part part
        where part.file = sha256 and part.statement = position and part.ordinal = line.ordinal and undone is null)
order by line.statement, line.ordinal

-- name: open_entries
-- Of these entries those that may move cash, without those that were reversed, and those whose only leg is taken: an entry
-- with several names an account more than once. Each is looked up by itself, whatever the planner thinks of how many match.
-- They come as those above.
select string_agg(body, '\x0a'::bytea order by seq) from entry
where seq = any(%(seqs)s::bigint[]) and type = any(%(types)s)
    and seq not in (select reverses from reversal)
    and (not exists (select from leg_part)
        or not exists (select from leg_part taken where taken.entry = entry.seq and leg = 0 and undone is null offset 0)
        or position('"account":'::bytea in substring(body from position('"account":'::bytea in body) + 1)) > 0)

-- name: size
-- How many entries there are.
select size from head

-- name: undone_since
-- Entries whose matches were undone by entries from this one on; none of them is read more than once.
select distinct leg.entry from (select stream from entry where seq >= %s and type = 'LinesUnmatched' offset 0) undoing
cross join lateral (
    select seq from entry where entry.stream = undoing.stream and type = 'LinesMatched' offset 0
) said
cross join lateral (select entry from leg_part where leg_part.seq = said.seq offset 0) leg

-- name: taken_of
-- Legs of these entries of which something is taken.
select entry, leg from leg_part where undone is null and entry = any(%s)

-- name: channels
-- Payment channels that were opened.
select id from account where kind = 'channel'
