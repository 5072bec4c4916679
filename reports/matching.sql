-- What stands matched, written off and disputed, as entries said it.

-- name: snapshot
-- One state of the database for all that is read.
set transaction isolation level repeatable read, read only

-- name: statements
-- Each statement's file and position in it.
select id, encode(sha256, 'hex'), position from bank_statement

-- name: lines_taken
-- Parts of lines that stand, and the last entry that undid one: statement, ordinal, amount, match, kind, undone.
select bank_statement.id, part.ordinal, part.amount_minor, part.match, part.kind, part.undone
from line_part part join bank_statement on sha256 = part.file and position = part.statement
order by part.seq, part.match, bank_statement.id, part.ordinal

-- name: lines_undone
-- Lines of which something was undone, and the last entry that did.
select bank_statement.id, part.ordinal, max(part.undone)
from line_part part join bank_statement on sha256 = part.file and position = part.statement
where part.undone is not null group by 1, 2

-- name: legs_taken
-- Parts of cash legs that stand.
select line.match, entry, leg, amount_minor
from leg_part join (select distinct match, seq from line_part) line using (seq)
where undone is null order by match, entry, leg

-- name: accounts
-- Accounts that are open.
select id, kind from account

-- name: line
-- One line of a statement, and whether the statement counts.
select line.account, booked_on, amount_minor, bank_ref, order_ref, ties or bank_acceptance.by is not null
from bank_line line join bank_statement on id = line.statement left join bank_acceptance using (statement)
where line.statement = %s and ordinal = %s

-- name: line_parts
-- What was said of a line, oldest first: match, kind, amount, entry, and the entry that undid it.
select part.match, part.kind, part.amount_minor, part.seq, part.undone
from line_part part join bank_statement on sha256 = part.file and position = part.statement
where bank_statement.id = %s and part.ordinal = %s order by part.seq

-- name: matched_entries
-- The entries whose cash legs a match takes.
select leg_part.entry, leg, amount_minor, stream, type from leg_part join entry on entry.seq = leg_part.entry
where leg_part.seq in (select line_part.seq from line_part where match = %s) order by leg_part.entry, leg

-- name: cleared
-- Entries that stand whose money came in with this suspended receipt.
select seq, stream, type from entry
where type in ('DonationReceived', 'HospitalPaymentReturned', 'GrantReturned', 'SuspenseRepaid')
    and convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'suspense' = %s
    and not exists (select from reversal where reverses = seq)
order by seq

-- name: entry_lines
-- The lines that stand matched with these entries: statement, ordinal, account, day, the line's amount, the leg's part.
select distinct leg_part.entry, bank_statement.id, part.ordinal, line.account, line.booked_on, line.amount_minor, part.match
from leg_part
join line_part part on part.seq = leg_part.seq
join bank_statement on sha256 = part.file and position = part.statement
join bank_line line on line.statement = bank_statement.id and line.ordinal = part.ordinal
where leg_part.entry = any(%s) and leg_part.undone is null
order by 1, 2, 3

-- name: stream_entries
-- The entries on a stream.
select seq from entry where stream = %s order by seq

-- name: gift_entries
-- A gift's entries, and those of the suspended receipt that it came with.
select seq from entry where stream = %(stream)s
union
select seq from entry where stream = (
    select 'suspense/' || (convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'suspense') from entry
    where stream = %(stream)s and type = 'DonationReceived'
)
order by seq
