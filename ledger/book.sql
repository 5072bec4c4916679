-- What a batch of commands reads and writes: each statement once a batch, over arrays. Lists of ids come as one text
-- with the unit separator, chr(31), between them: no id holds it, and it is a fifth of the cost of an array of text.

-- name: codes_since
-- The entries from this seq on that define codes of the dictionary.
select body from code join entry using (seq) where seq >= %s order by seq

-- name: leaf
-- The leaf hash of an entry.
select leaf from entry where seq = %s

-- name: tapes_since
-- Tapes with numbers above this one, each with the entry that opened it.
select number, body from tape join entry using (seq) where number > %s order by number

-- name: versions
-- The newest version of each of these streams; those that do not exist are left out.
select stream, max(version) from entry where stream = any(string_to_array(%s, chr(31))) group by stream

-- name: funds
-- These funds with their fee rates.
select id, fee_bp from fund where id = any(string_to_array(%s, chr(31)))

-- name: cases
-- These cases, and all open cases of these persons and households.
select id, fund, attributes, household, purpose, is_open, reached from case_file where id = any(string_to_array(%(cases)s, chr(31)))
union all
select id, fund, attributes, household, purpose, is_open, reached from case_file
where is_open and attributes ->> 'person' = any(string_to_array(%(persons)s, chr(31)))
union all
select id, fund, attributes, household, purpose, is_open, reached from case_file
where is_open and household = any(string_to_array(%(households)s, chr(31)))

-- name: commands
-- What was recorded under these idempotency keys.
select key, digest, seq from command_key where key = any(string_to_array(%s, chr(31)))

-- name: claims
-- Which of these business keys are in force, and by which entry.
select key, seq from business_key where key = any(string_to_array(%s, chr(31)))

-- name: bills
-- These bills as they stand; one of which nothing stands paid is forgotten.
select hospital, bill_no, case_id, limit_minor, paid_minor from bill
join unnest(%s::text[], %s::text[], %s::text[]) wanted (hospital, bill_no, case_id) using (hospital, bill_no, case_id)
where paid_minor > 0

-- name: rows_at
-- All rows at these places.
select tape, lo, hi, place, home, since from holding where place = any(string_to_array(%s, chr(31))) order by tape, lo

-- name: rows_at_funds
-- All rows at these fund places and at those below them, where other terms are in force.
select tape, lo, hi, place, home, since from holding where place = any(%(places)s)
union all
select tape, lo, hi, holding.place, home, since from unnest(%(places)s::text[]) wanted (place)
join holding on holding.place > wanted.place || '/' and holding.place < wanted.place || '0'
order by tape, lo

-- name: rows_near
-- The rows that meet these runs or touch them at an end. Rows of a tape have neither gap nor overlap, so they are the ones
-- from the last that begins below `lo` up to the last that begins at or below `hi`.
select near.tape, near.lo, near.hi, near.place, near.home, near.since
from unnest(%s::integer[], %s::bigint[], %s::bigint[]) wanted (tape, lo, hi)
cross join lateral (
    select * from holding each
    where each.tape = wanted.tape and each.lo <= wanted.hi and each.lo >= coalesce(
        (select max(before.lo) from holding before where before.tape = wanted.tape and before.lo < wanted.lo), 0)
    offset 0
) near

-- name: rows_held
-- All rows that are held, at hold/X.
select tape, lo, hi, place, home, since from holding where place > 'hold/' and place < 'hold0' order by tape, lo

-- name: streams_of
-- The streams that these entries are on.
select stream from entry where seq = any(%s)

-- name: records
-- All entries on these streams, oldest first.
select seq, stream, version, type, body from entry where stream = any(string_to_array(%s, chr(31)))
order by stream, version

-- name: movers
-- For entries with runs that they moved: later entries, which stand, that moved any of these serials.
select distinct wanted.seq, movement.seq
from unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::bigint[]) wanted (seq, tape, lo, hi)
join movement on movement.tape = wanted.tape and movement.seq > wanted.seq
    and movement.lo < wanted.hi and movement.hi > wanted.lo
where not exists (select from reversal where reverses = movement.seq)
  and not exists (select from reversal where reversal.seq = movement.seq)

-- name: tape_ends
-- Where these tapes end, with the last row of each that has one.
select number, ends_at, lo, hi, place, home, since from tape
left join holding on holding.tape = number and hi = ends_at where number = any(%s)

-- name: open_head
-- The ledger is opened: its name, currency, decimals and zone.
update head set origin = new.origin, currency = new.currency, exponent = new.exponent, zone = new.zone
from unnest(%s::text[], %s::text[], %s::smallint[], %s::text[]) new (origin, currency, exponent, zone)

-- name: copy_commands
-- Idempotency keys with the digest of the command and its entry.
copy command_key (key, digest, seq) from stdin (format binary)

-- name: insert_commands
-- The same for few.
insert into command_key (key, digest, seq) select * from unnest(%b::text[], %b::bytea[], %b::bigint[])

-- name: insert_funds
-- New funds.
insert into fund (id, fee_bp) select * from unnest(%s::text[], %s::integer[])

-- name: insert_cases
-- New cases.
insert into case_file (id, fund, attributes, household, purpose)
select * from unnest(%s::text[], %s::text[], %s::jsonb[], %s::text[], %s::text[])

-- name: set_cases
-- Cases as they stand now.
update case_file set attributes = new.attributes, is_open = new.is_open, reached = new.reached
from unnest(%s::text[], %s::jsonb[], %s::boolean[], %s::date[]) new (id, attributes, is_open, reached)
where case_file.id = new.id

-- name: insert_codes
-- New codes of the dictionary.
insert into code (seq, dimension, code, parent) select * from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])

-- name: insert_tapes
-- New tapes.
insert into tape (number, fund, seq, key) select * from unnest(%s::integer[], %s::text[], %s::bigint[], %s::text[])

-- name: set_tape_ends
-- Tapes on which serials were issued.
update tape set ends_at = new.ends_at from unnest(%s::integer[], %s::bigint[]) new (number, ends_at)
where tape.number = new.number

-- name: delete_rows
-- Rows that are no more, before the new ones come: (tape, hi) is unique at every moment.
delete from holding using unnest(%s::integer[], %s::bigint[]) gone (tape, lo)
where holding.tape = gone.tape and holding.lo = gone.lo

-- name: insert_rows
-- Rows as they are now.
insert into holding (tape, lo, hi, place, home, since)
select * from unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::date[])

-- name: insert_movements
-- Runs that entries moved.
insert into movement (seq, tape, lo, hi) select * from unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::bigint[])

-- name: insert_reversals
-- Entries that are reversed, and by which.
insert into reversal (reverses, seq) select * from unnest(%s::bigint[], %s::bigint[])

-- name: insert_openings
-- Opening balances whose ids serve as those of other records.
insert into opening (seq, noun, id) select * from unnest(%s::bigint[], %s::text[], %s::text[])

-- name: openings_since
-- Those that entries from this seq on brought.
select noun, id from opening where seq >= %s

-- name: delete_claims
-- Business keys that are free again.
delete from business_key where key = any(%s::text[])

-- name: copy_claims
-- Business keys now in force.
copy business_key (key, seq) from stdin (format binary)

-- name: set_bills
-- Bills as they stand now.
insert into bill (hospital, bill_no, case_id, limit_minor, paid_minor)
select * from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
on conflict (hospital, bill_no, case_id) do update
set limit_minor = excluded.limit_minor, paid_minor = excluded.paid_minor
