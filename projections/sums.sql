-- How the sums are kept: each statement at most once a page, after the page's rows are in the other views. Only what moved
-- money of no known donor, or of donors with many gifts, needs a look at gifts at all.

-- name: add_standing
-- What the page's issues added to what stands where.
insert into view_standing as kept (whose, fund, kind, hospital, amount, first, last)
select * from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[])
on conflict (whose, fund, kind, hospital) do update
set amount = kept.amount + excluded.amount, first = least(kept.first, excluded.first),
    last = greatest(kept.last, excluded.last)

-- name: move_standing
-- What the page's moves changed in it, over all money; the bounds by the gifts at either end of each range.
insert into view_standing as kept (whose, fund, kind, hospital, amount, first, last)
select 'all', side.fund, side.kind, coalesce(side.hospital, ''), sum(side.sign * (move.hi - move.lo)),
    min(lowest.seq), max(highest.seq)
from view_movement move
cross join lateral (
    select seq from view_gift where tape = move.tape and lo <= move.lo order by lo desc limit 1
) lowest
cross join lateral (
    select seq from view_gift where tape = move.tape and lo < move.hi order by lo desc limit 1
) highest
cross join lateral (values
    (move.target_fund, move.target_kind, move.target_hospital, 1),
    (move.source_fund, move.source_kind, move.source_hospital, -1)
) side (fund, kind, hospital, sign)
where move.seq between %(first)s and %(last)s
group by side.fund, side.kind, side.hospital
on conflict (whose, fund, kind, hospital) do update
set amount = kept.amount + excluded.amount, first = least(kept.first, excluded.first),
    last = greatest(kept.last, excluded.last)

-- name: move_parts
-- The same for money of no known donor, and by place for donors with many gifts.
with part as materialized (
    select near.donor, near.opening, side.fund, side.place, side.kind, coalesce(side.hospital, '') as hospital,
        sum(side.sign * (least(move.hi, near.hi) - greatest(move.lo, near.lo)))::bigint as amount,
        min(near.seq) as first, max(near.seq) as last
    from view_movement move
    cross join lateral gifts_meeting(move.tape, move.lo, move.hi) near
    cross join lateral (values
        (move.target_fund, move.target, move.target_kind, move.target_hospital, 1),
        (move.source_fund, move.source, move.source_kind, move.source_hospital, -1)
    ) side (fund, place, kind, hospital, sign)
    where move.seq between %(first)s and %(last)s
      and (near.donor is null or near.donor in (select donor from view_donor where many))
    group by near.donor, near.opening, side.fund, side.place, side.kind, side.hospital
), nobodys as (
    insert into view_standing as kept (whose, fund, kind, hospital, amount, first, last)
    select case when opening then 'opening' else 'unknown' end, fund, kind, hospital, sum(amount), min(first), max(last)
    from part where donor is null group by opening, fund, kind, hospital
    on conflict (whose, fund, kind, hospital) do update
    set amount = kept.amount + excluded.amount, first = least(kept.first, excluded.first),
        last = greatest(kept.last, excluded.last)
)
insert into view_donor_place as kept (donor, fund, place, kind, hospital, amount)
select donor, fund, place, kind, hospital, sum(amount) from part where donor is not null
group by donor, fund, place, kind, hospital
on conflict (donor, fund, place) do update set amount = kept.amount + excluded.amount

-- name: add_donors
-- Ranges and minor units that donors gave more (or less) in the page. Comes back: those with very many gifts.
with changed as (
    insert into view_donor as kept (donor, ranges, given)
    select * from unnest(string_to_array(%s, E'\n'), %s::bigint[], %s::bigint[])
    on conflict (donor) do update set ranges = kept.ranges + excluded.ranges, given = kept.given + excluded.given
    returning donor, ranges, given, many, xmax = 0 as fresh
), seated as (
    insert into view_leader as kept (donor, given)
    select donor, given from changed where given >= (select floor from view_giving)
    on conflict (donor) do update set given = excluded.given
), counted as (
    update view_giving set donors = donors + (select count(*) from changed where fresh)
    where exists (select from changed where fresh)
)
select donor, many, ranges >= %s from changed where many or ranges >= %s

-- name: void_donors
-- What of each donor's the page's moves made void, or no longer so: ranges do not change by it.
select near.donor, 0, sum((least(move.hi, near.hi) - greatest(move.lo, near.lo))
    * case when move.target_kind = 'void' then -1 else 1 end)::bigint
from view_movement move
cross join lateral gifts_meeting(move.tape, move.lo, move.hi) near
where move.seq between %(first)s and %(last)s and near.donor is not null
  and (move.source_kind = 'void') <> (move.target_kind = 'void')
group by near.donor

-- name: attributed
-- Gifts whose donor is now said to be another, as of the last that was said, and where their serials are: old and new
-- donor, whether brought forward, the gift's entry, fund, place, kind, hospital and minor units.
with newest as (
    select distinct on (donation) donation, donor
    from unnest(%s::bigint[], %s::text[], %s::text[]) said (seq, donation, donor) order by donation, seq desc
)
select gift.donor, newest.donor, gift.opening, gift.seq, gift.tape, gift.lo, near.fund, near.place, near.kind,
    coalesce(near.hospital, ''), (least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint
from newest join view_gift gift using (donation)
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
where gift.donor is distinct from newest.donor

-- name: add_places
-- Minor units more (or less) at a place, of donors with many gifts.
insert into view_donor_place as kept (donor, fund, place, kind, hospital, amount)
select * from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[])
on conflict (donor, fund, place) do update set amount = kept.amount + excluded.amount

-- name: keep_many
-- These donors' places are kept from now on: all of them, as they are.
with chosen as (
    update view_donor set many = true where donor = any(%(donors)s) returning donor
)
insert into view_donor_place (donor, fund, place, kind, hospital, amount)
select gift.donor, near.fund, near.place, near.kind, coalesce(near.hospital, ''),
    sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint
from chosen join view_gift gift using (donor)
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
group by gift.donor, near.fund, near.place, near.kind, near.hospital

-- name: keep_no_more
-- These donors' places are not kept any more.
with dropped as (delete from view_donor_place where donor = any(%(donors)s))
update view_donor set many = false where donor = any(%(donors)s)

-- name: reseat
-- Leaders' sums as they are, now that something became void or was found to be another's.
update view_leader set given = view_donor.given from view_donor
where view_donor.donor = view_leader.donor and view_donor.given <> view_leader.given

-- name: unseat
-- Those who do not reach the floor lead no more.
delete from view_leader where given < (select floor from view_giving)

-- name: floor
-- The floor, and whether enough donors reach it, and the power of four above it.
select floor, (select count(*) from (select from view_leader limit %(enough)s) reach) >= %(enough)s,
    (select count(*) from (select from view_leader where given >= floor * 4 limit %(enough)s) reach) >= %(enough)s
from view_giving

-- name: raise_floor
-- The next power of four; `unseat` follows.
update view_giving set floor = floor * 4

-- name: lower_floor
-- The power of four below, with everybody who reaches that.
with lowered as (update view_giving set floor = floor / 4 returning floor)
insert into view_leader (donor, given)
select donor, given from view_donor, lowered where given >= lowered.floor
on conflict do nothing

-- name: add_periods
-- What days changed in funds' figures by block, and their months by so many blocks.
insert into view_period as kept (grain, since, fund, figure, block, amount)
select grain, case grain when 'day' then since else date_trunc('month', since)::date end, fund, figure,
    case grain when 'day' then block else block / %s end, sum(amount)::bigint
from unnest(%s::bigint[], %s::date[], string_to_array(%s, E'\n'), string_to_array(%s, E'\n'), %s::bigint[])
    change (block, since, fund, figure, amount)
cross join (values ('day'), ('month')) grains (grain)
group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
on conflict (grain, since, fund, figure, block) do update set amount = kept.amount + excluded.amount

-- name: void_openings
-- What of balances brought forward the page's moves made void, or no longer so, by block and day.
select move.seq / %(block)s, move.posted_on, near.fund, sum((least(move.hi, near.hi) - greatest(move.lo, near.lo))
    * case when move.target_kind = 'void' then -1 else 1 end)::bigint
from view_movement move
cross join lateral gifts_meeting(move.tape, move.lo, move.hi) near
where move.seq between %(first)s and %(last)s and near.opening
  and (move.source_kind = 'void') <> (move.target_kind = 'void')
group by 1, 2, 3

-- name: forget
-- Empties the sums.
with standing as (delete from view_standing), donor as (delete from view_donor), leader as (delete from view_leader),
    place as (delete from view_donor_place), period as (delete from view_period)
update view_giving set donors = 0, floor = 1
