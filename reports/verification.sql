-- Reads for holding what is derived against the entries, all in one snapshot.

-- name: snapshot
-- One state of the database for all that follows, and no change to it.
set transaction isolation level repeatable read, read only

-- name: head
-- How many entries there are, and the last one's leaf hash.
select size, leaf from head

-- name: entry_columns
-- Entries whose columns are not what their bytes say: the hash, and the envelope's end made anew from the columns.
select seq from entry
cross join lateral (
    select convert_to(
        format('"seq":%s,"stream":%s,"type":"%s","v":1,"version":%s}', seq, to_json(stream), type, version), 'UTF8'
    ) as ending
) made
where leaf <> sha256('\x00'::bytea || body)
   or substring(body from length(body) - length(ending) + 1) <> ending
order by seq limit 10

-- name: tape_ends
-- Each tape that has serials, with its end.
select number, ends_at from tape

-- name: holding
-- Where each serial is, by the write side.
select tape, lo, hi, place, home, since::text from holding order by tape, lo

-- name: view_position
-- How many entries the views are made of.
select coalesce(max(notification_id), 0) from view_tracking where application_name = 'journal'

-- name: view_place
-- Where each serial is, by the views.
select tape, lo, hi, place, home, since::text from view_place order by tape, lo

-- name: gift_gaps
-- Tapes whose gifts do not add up to what was issued on them.
select number from tape
left join (select tape, sum(hi - lo) as issued from view_gift group by tape) gifts on gifts.tape = number
where ends_at <> coalesce(issued, 0) order by number limit 10
