-- What a batch of commands reads and writes: each statement once a batch, over arrays. Lists of ids come as one text
-- with the unit separator, chr(31), between them: no id holds it, and it is a fifth of the cost of an array of text.

-- name: codes_since
-- Codes of the dictionary defined by entries from this seq on.
select dimension, code, parent from code where seq >= %s order by seq

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
select id, fund, attributes, household, purpose, is_open from case_file where id = any(string_to_array(%(cases)s, chr(31)))
union all
select id, fund, attributes, household, purpose, is_open from case_file
where is_open and attributes ->> 'person' = any(string_to_array(%(persons)s, chr(31)))
union all
select id, fund, attributes, household, purpose, is_open from case_file
where is_open and household = any(string_to_array(%(households)s, chr(31)))

-- name: commands
-- What was recorded under these idempotency keys.
select key, digest, seq from command_key where key = any(string_to_array(%s, chr(31)))

-- name: claims
-- Which of these business keys are in force, and by which entry.
select key, seq from business_key where key = any(string_to_array(%s, chr(31)))

-- name: bills
-- These bills as they stand.
select hospital, bill_no, case_id, limit_minor, paid_minor from bill
join unnest(%s::text[], %s::text[], %s::text[]) wanted (hospital, bill_no, case_id) using (hospital, bill_no, case_id)

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
copy command_key (key, digest, seq) from stdin

-- name: insert_funds
-- New funds.
insert into fund (id, fee_bp) select * from unnest(%s::text[], %s::integer[])

-- name: insert_cases
-- New cases.
insert into case_file (id, fund, attributes, household, purpose)
select * from unnest(%s::text[], %s::text[], %s::jsonb[], %s::text[], %s::text[])

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

-- name: copy_claims
-- Business keys now in force.
copy business_key (key, seq) from stdin

-- name: set_bills
-- Bills as they stand now.
insert into bill (hospital, bill_no, case_id, limit_minor, paid_minor)
select * from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
on conflict (hospital, bill_no, case_id) do update set paid_minor = excluded.paid_minor
