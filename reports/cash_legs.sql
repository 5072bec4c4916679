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
-- A page of entries that may move cash, without those that were reversed.
select entry.seq, type, body from entry left join reversal on reverses = entry.seq
where entry.seq > %(after)s and type = any(%(types)s) and reverses is null
order by entry.seq limit %(limit)s

-- name: held
-- What the ledger holds, by kind of place: at funds and cases, as fees, on hold.
select split_part(place, '/', 1) as kind, sum(hi - lo)::bigint from holding
where split_part(place, '/', 1) in ('fund', 'case', 'fee', 'hold') group by 1

-- name: suspense
-- What is owed of suspended receipts.
select coalesce(sum(left_minor), 0)::bigint from suspense
