-- What the sums are by definition: told of the other views' rows, all of them. Sums are made so when views are made anew,
-- and held against this when a ledger is verified; in between they are kept up page by page (sums.sql).

-- name: issued
-- Goes before each of them: what was issued, by block of entries, day, tape, fund, where, and whether brought forward. Few
-- rows, of which much of what follows is told.
select seq / %(block)s as block, posted_on, tape, fund, target, opening, sum(hi - lo)::bigint as amount
from view_gift group by 1, 2, 3, 4, 5, 6

-- name: standing
-- What stands where, by whose money it is; the entries of the first and last gift there now.
select 'all' as whose, place.fund, place.kind, coalesce(place.hospital, '') as hospital,
    sum(place.hi - place.lo)::bigint as amount, min(lowest.seq) as first, max(highest.seq) as last
from view_place place
cross join lateral (
    select seq from view_gift where tape = place.tape and lo <= place.lo order by lo desc limit 1
) lowest
cross join lateral (
    select seq from view_gift where tape = place.tape and lo < place.hi order by lo desc limit 1
) highest
group by place.fund, place.kind, place.hospital
union all
select case when gift.opening then 'opening' else 'unknown' end, near.fund, near.kind, coalesce(near.hospital, ''),
    sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint, min(gift.seq), max(gift.seq)
from view_gift gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
where gift.donor is null
group by gift.opening, near.fund, near.kind, near.hospital

-- name: donors
-- Every donor known: ranges, and what is not void of them; whether there are so many that places are kept.
select donor, ranges, (issued - coalesce(void.amount, 0))::bigint as given, ranges >= %(many)s as many
from (
    select donor, count(*) as ranges, sum(hi - lo) as issued from view_gift where donor is not null group by donor
) gift
left join (
    select near.donor, sum(least(place.hi, near.hi) - greatest(place.lo, near.lo)) as amount
    from view_place place
    cross join lateral gifts_meeting(place.tape, place.lo, place.hi) near
    where place.kind = 'void' group by near.donor
) void using (donor)

-- name: leaders
-- Donors who gave at least the floor.
select donor, given from view_donor where given >= (select floor from view_giving)

-- name: giving
-- How many donors there are, and the floor: the largest power of four that enough of them reach, or 1.
select (select count(*) from view_donor) as donors, coalesce(max(4::numeric ^ n), 1)::bigint as floor
from generate_series(0, 26) n
where 4::numeric ^ n <= (select given from view_donor order by given desc offset %(leaders)s - 1 limit 1)

-- name: donor_places
-- Where the money is of donors with very many gifts.
select gift.donor, near.fund, near.place, near.kind, coalesce(near.hospital, '') as hospital,
    sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint as amount
from view_donor chosen join view_gift gift using (donor)
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
where chosen.many
group by gift.donor, near.fund, near.place, near.kind, near.hospital

-- name: periods
-- What days and months changed in funds' figures. The reversal of a transfer counts as none having been, and so does
-- whatever makes void what was transferred.
with change as (
    select block, posted_on as since, fund, figure, sum(amount)::bigint as amount
    from issued
    cross join lateral (values
        ('issued'), (split_part(target, '/', 1)), (case when opening then 'brought_forward' end)
    ) named (figure)
    where figure is not null
    group by 1, 2, 3, 4
    union all
    select seq / %(block)s, posted_on, side.fund, side.figure, sum(side.amount)
    from view_movement move
    cross join lateral (
        select type = 'EntryReversed' or target_kind = 'void' as undone, hi - lo as amount,
            source_fund <> target_fund as crossing
    ) step
    cross join lateral (values
        (target_fund, target_kind, amount),
        (source_fund, source_kind, -amount),
        (target_fund, case when not crossing then null when undone then 'went' else 'came' end,
            case when undone then -amount else amount end),
        (source_fund, case when not crossing then null when undone then 'came' else 'went' end,
            case when undone then -amount else amount end)
    ) side (fund, figure, amount)
    where side.figure is not null
    group by 1, 2, 3, 4
    union all
    select move.seq / %(block)s, move.posted_on, near.fund, 'brought_forward',
        sum((least(move.hi, near.hi) - greatest(move.lo, near.lo)) * case when move.target_kind = 'void' then -1 else 1 end)
    from view_movement move
    cross join lateral gifts_meeting(move.tape, move.lo, move.hi) near
    where near.opening and (move.source_kind = 'void') <> (move.target_kind = 'void')
    group by 1, 2, 3
)
select grain, case grain when 'day' then since else date_trunc('month', since)::date end as since, fund, figure,
    case grain when 'day' then block else block / %(together)s end as block, sum(amount)::bigint as amount
from change cross join (values ('day'), ('month')) grains (grain)
group by 1, 2, 3, 4, 5

-- name: gifts_unlike
-- Whether some gifts are not of their tape's fund.
select exists (
    select from issued left join view_tape tape on tape.number = issued.tape where issued.fund is distinct from tape.fund)

-- name: funds_unlike
-- Whether issues and moves somewhere do not come to what stands there of a fund: whose money it is elsewhere, by the views.
select exists (
    select from (
        select tape, target as place, fund, amount from issued
        union all
        select tape, target, target_fund, hi - lo from view_movement
        union all
        select tape, source, source_fund, lo - hi from view_movement
        union all
        select tape, place, fund, lo - hi from view_place
    ) told
    where place <> 'void'
    group by tape, place, fund having sum(amount) <> 0)

-- name: standing_unlike
-- What of it is kept otherwise, or outside the bounds that are kept. A sum that is 0 may be kept or not.
select exists (
    select from told full join view_standing kept using (whose, fund, kind, hospital)
    where coalesce(told.amount, 0) <> coalesce(kept.amount, 0) or kept.first > told.first or kept.last < told.last)

-- name: donors_unlike
-- The same of donors.
select exists (
    select from told full join view_donor kept using (donor)
    where (coalesce(told.ranges, 0), coalesce(told.given, 0), coalesce(told.many, false))
        <> (coalesce(kept.ranges, 0), coalesce(kept.given, 0), coalesce(kept.many, false)))

-- name: leaders_unlike
-- The same of those who gave most.
select exists (
    select from told full join view_leader kept using (donor) where told.given is distinct from kept.given)

-- name: giving_unlike
-- The same of how many donors there are, and of the floor.
select exists (
    select from told full join view_giving kept using (donors, floor) where told.donors is null or not only_row)
    or (select count(*) from view_giving) <> 1

-- name: donor_places_unlike
-- The same of where their money is.
select exists (
    select from told full join view_donor_place kept using (donor, fund, place, kind, hospital)
    where coalesce(told.amount, 0) <> coalesce(kept.amount, 0))

-- name: periods_unlike
-- The same of days and months.
select exists (
    select from told full join view_period kept using (grain, since, fund, figure, block)
    where coalesce(told.amount, 0) <> coalesce(kept.amount, 0))

-- name: fill_standing
-- Keeps it.
insert into view_standing (whose, fund, kind, hospital, amount, first, last)
select whose, fund, kind, hospital, amount, first, last from told

-- name: fill_donors
-- Keeps it.
insert into view_donor (donor, ranges, given, many) select donor, ranges, given, many from told

-- name: fill_giving
-- Keeps it.
update view_giving set donors = told.donors, floor = told.floor from told

-- name: fill_leaders
-- Keeps it.
insert into view_leader (donor, given) select donor, given from told

-- name: fill_donor_places
-- Keeps it.
insert into view_donor_place (donor, fund, place, kind, hospital, amount)
select donor, fund, place, kind, hospital, amount from told

-- name: fill_periods
-- Keeps it.
insert into view_period (grain, since, fund, figure, block, amount)
select grain, since, fund, figure, block, amount from told
