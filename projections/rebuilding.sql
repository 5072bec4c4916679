-- How views are made anew beside those that are read.

-- name: begin
-- Empty views for this connection alone: a temporary table is found before another of its name. Of indexes there are those
-- that the fold looks up by. What is written here is on no disk that anybody waits for.
set client_min_messages = warning; set jit = off; set synchronous_commit = off;
create temporary table view_tape (like view_tape including indexes);
create temporary table view_gift (like view_gift);
create temporary table view_attribution (like view_attribution);
create temporary table view_place (like view_place);
alter table view_place add primary key (tape, lo);
create temporary table view_movement (like view_movement);
create temporary table view_standing (like view_standing);
create temporary table view_donor (like view_donor including defaults including generated);
create temporary table view_giving (like view_giving including defaults);
create temporary table view_leader (like view_leader);
create temporary table view_donor_place (like view_donor_place);
create temporary table view_period (like view_period);
insert into view_giving default values

-- name: insert_attributions
-- What was said about whose gifts are.
insert into view_attribution (seq, donation, donor) select * from unnest(%s::bigint[], %s::text[], %s::text[])

-- name: attribute
-- The gifts as of the last that was said of them.
with newest as (
    select distinct on (donation) donation, donor, seq from view_attribution order by donation, seq desc
)
update view_gift set donor = newest.donor from newest
where view_gift.donation = newest.donation and view_gift.seq < newest.seq

-- name: index
-- What the sums' definitions look up by.
alter table view_gift add primary key (tape, lo);
analyze view_gift; analyze view_place; analyze view_movement

-- name: look_at_the_others
-- From here on the views that are read come before these, until the transaction ends.
select set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)

-- name: replace_view_tape
-- The table's rows as they were made anew; readers go on seeing what was there until the transaction commits.
delete from view_tape; insert into view_tape select * from pg_temp.view_tape

-- name: replace_view_gift
-- The same.
delete from view_gift; insert into view_gift select * from pg_temp.view_gift

-- name: replace_view_attribution
-- The same.
delete from view_attribution; insert into view_attribution select * from pg_temp.view_attribution

-- name: replace_view_place
-- The same.
delete from view_place; insert into view_place select * from pg_temp.view_place

-- name: replace_view_movement
-- The same.
delete from view_movement; insert into view_movement select * from pg_temp.view_movement

-- name: replace_view_standing
-- The same.
delete from view_standing; insert into view_standing select * from pg_temp.view_standing

-- name: replace_view_donor
-- The same.
delete from view_donor;
insert into view_donor (donor, ranges, given, many) select donor, ranges, given, many from pg_temp.view_donor

-- name: replace_view_giving
-- The same.
delete from view_giving; insert into view_giving select * from pg_temp.view_giving

-- name: replace_view_leader
-- The same.
delete from view_leader; insert into view_leader select * from pg_temp.view_leader

-- name: replace_view_donor_place
-- The same.
delete from view_donor_place; insert into view_donor_place select * from pg_temp.view_donor_place

-- name: replace_view_period
-- The same.
delete from view_period; insert into view_period select * from pg_temp.view_period
