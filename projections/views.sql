-- How the views are kept: each statement once a page, over arrays or by COPY.

-- name: lock
-- One process at a time folds into the views of a schema; the others wait here until its page has committed.
select pg_advisory_xact_lock(hashtextextended(current_schema() || '.views', 0))

-- name: begin
-- Nobody waits for the disk: what a crash of the server takes is views and tracking alike, and is folded anew. Plans are not
-- compiled: that takes longer than they run.
set local synchronous_commit = off; set local jit = off

-- name: positions
-- The notification id (seq + 1) of the newest entry folded, by the views and each kind of sum.
select application_name, notification_id from view_tracking

-- name: entries
-- Entries from seq %(first)s to below %(behind)s, a line each, in lumps: put together here, they are read in one go there.
select string_agg(body, '\x0a'::bytea order by seq) from entry
where seq >= %(first)s and seq < least(%(behind)s, (select size from head))
group by seq / 512 order by seq / 512

-- name: rows_near
-- The place rows that meet these ranges or touch them at an end. Rows of a tape have neither gap nor overlap, so they are
-- the ones from the last that begins below `lo` up to the last that begins at or below `hi`.
select near.tape, near.lo, near.hi, near.place, near.home, near.since
from unnest(%s::integer[], %s::bigint[], %s::bigint[]) wanted (tape, lo, hi)
cross join lateral (
    select * from view_place each
    where each.tape = wanted.tape and each.lo <= wanted.hi and each.lo >= coalesce(
        (select max(before.lo) from view_place before where before.tape = wanted.tape and before.lo < wanted.lo), 0)
    offset 0
) near

-- name: funds
-- The funds of these tapes.
select number, fund from view_tape where number = any(%s)

-- name: all_funds
-- The fund of each tape.
select number, fund from view_tape

-- name: insert_tapes
-- Tapes that were opened.
insert into view_tape (number, fund, terms, seq)
select * from unnest(%s::integer[], %s::text[], %s::jsonb[], %s::bigint[])

-- name: copy_gifts
-- Issued ranges, their columns as gift_rows.py puts them together.
copy view_gift (seq, lo, hi, donation, donor, tape, fund, target, hospital, case_id, opening, posted_on)
from stdin (format binary)

-- name: copy_movements
-- Moves.
copy view_movement (seq, posted_on, tape, lo, hi, type,
    source, source_kind, source_fund, source_hospital, source_case,
    target, target_kind, target_fund, target_hospital, target_case) from stdin (format binary)

-- name: delete_places
-- Place rows that are no more.
delete from view_place using unnest(%s::integer[], %s::bigint[]) gone (tape, lo)
where view_place.tape = gone.tape and view_place.lo = gone.lo

-- name: copy_places
-- Place rows as they are now.
copy view_place (tape, lo, hi, place, home, since, kind, fund, hospital, case_id) from stdin (format binary)

-- name: attribute
-- What was said about whose gifts are, and the gifts as of the last that was said.
with said as (
    insert into view_attribution (seq, donation, donor) select * from unnest(%s::bigint[], %s::text[], %s::text[])
    returning seq, donation, donor
), newest as (
    select distinct on (donation) donation, donor from said order by donation, seq desc
)
update view_gift set donor = newest.donor from newest where view_gift.donation = newest.donation

-- name: forget
-- Empties the views; readers go on seeing what was there until the transaction commits.
with tape as (delete from view_tape), gift as (delete from view_gift), place as (delete from view_place),
    movement as (delete from view_movement), attribution as (delete from view_attribution)
delete from view_tracking

-- name: forget_tracking
-- How far they are.
delete from view_tracking

-- name: digests
-- A sum over all rows of each table that is the same in whatever order they come; of sums only what is not 0, and no bounds.
select name, rows, digest from (
    select 'view_tape' as name, count(*) as rows, sum(hash_record_extended(t, 0)) as digest from view_tape t
    union all
    select 'view_gift', count(*), sum(hash_record_extended(t, 0)) from view_gift t
    union all
    select 'view_attribution', count(*), sum(hash_record_extended(t, 0)) from view_attribution t
    union all
    select 'view_place', count(*), sum(hash_record_extended(t, 0)) from view_place t
    union all
    select 'view_movement', count(*), sum(hash_record_extended(t, 0)) from view_movement t
    union all
    select 'view_standing', count(*), sum(hashtextextended(concat_ws('/', whose, fund, kind, hospital, amount), 0))
    from view_standing where amount <> 0
    union all
    select 'view_donor', count(*), sum(hashtextextended(concat_ws('/', donor, ranges, given, many), 0))
    from view_donor where ranges <> 0
    union all
    select 'view_giving', count(*), sum(hashtextextended(concat_ws('/', donors - empties, floor), 0))
    from view_giving, (select count(*) as empties from view_donor where empty) nothing
    union all
    select 'view_leader', count(*), sum(hash_record_extended(t, 0)) from view_leader t
    union all
    select 'view_donor_place', count(*), sum(hash_record_extended(t, 0)) from view_donor_place t where amount <> 0
    union all
    select 'view_period', count(*), sum(hash_record_extended(t, 0)) from view_period t where amount <> 0
) digests order by name

-- name: record_failure
-- The entry at which folding stopped, and why.
insert into view_failure (application_name, seq, type, reason) values (%s, %s, %s, %s)
on conflict (application_name) do update
set seq = excluded.seq, type = excluded.type, reason = excluded.reason, at = excluded.at

-- name: failures
-- The failures that stand: their entries are not folded yet.
select application_name, failure.seq, failure.type, failure.reason from view_failure failure
left join view_tracking tracking using (application_name)
where failure.seq >= coalesce(tracking.notification_id, 0)
