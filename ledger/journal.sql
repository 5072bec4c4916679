-- The journal's statements. Columns of an entry always come as seq, stream, version, type, leaf, body.

-- name: head
-- The chain's end, as committed.
select origin, currency, exponent, zone, size, leaf, at from head

-- name: lock_head
-- The chain's end, and with it the ledger's write lock until the transaction ends.
select origin, currency, exponent, zone, size, leaf, at from head for update

-- name: move_head
-- The chain has grown: size, last leaf hash, last instant; subscribers wake once the transaction has committed.
with moved as (update head set size = %s, leaf = %s, at = %s) select pg_notify(%s, '')

-- name: append_few
-- The same with the entries that it has grown by, all in one: each statement more would cost as much as some entries.
with added as (
    insert into entry (seq, stream, version, type, leaf, body)
    select * from unnest(%b::bigint[], %b::text[], %b::integer[], %b::text[], %b::bytea[], %b::bytea[])
), moved as (update head set size = %s, leaf = %s, at = %s) select pg_notify(%s, '')

-- name: copy_entries
-- Entries in binary form, in order of seq.
copy entry (seq, stream, version, type, leaf, body) from stdin (format binary)

-- name: stream_forwards
-- One stream by version: above gt, up to lte, at most limit of them; null sets no bound.
select seq, stream, version, type, leaf, body from entry
where stream = %(stream)s
  and (%(gt)s::integer is null or version > %(gt)s) and (%(lte)s::integer is null or version <= %(lte)s)
order by version limit %(limit)s

-- name: stream_backwards
-- The same, newest first.
select seq, stream, version, type, leaf, body from entry
where stream = %(stream)s
  and (%(gt)s::integer is null or version > %(gt)s) and (%(lte)s::integer is null or version <= %(lte)s)
order by version desc limit %(limit)s

-- name: notifications
-- Entries of the chain from seq `first` on, up to notification id `stop` (seq + 1), of some types or of all.
select seq, stream, version, type, leaf, body from entry
where seq >= %(first)s and seq < (select size from head)
  and (%(stop)s::bigint is null or seq < %(stop)s) and (%(topics)s::text[] is null or type = any(%(topics)s))
order by seq limit %(limit)s

-- name: keep_memory
-- Before many bundles: memory that the server's process was done with goes back to the system after each large value, and
-- is asked for anew for the next, which costs as much as putting it together. One far larger teaches glibc to keep it.
select octet_length(repeat(repeat('-', 4096), 1024))

-- name: bundle
-- Entries from .. to (exclusive) as one C2SP entry bundle: each body behind its length in two bytes, big endian,
-- which are the lower half of the integer.
select string_agg(int2send((length(body) << 16 >> 16)::smallint) || body, ''::bytea order by seq)
from entry where seq >= %s and seq < %s
