-- What a donor's statement of a period reads: of the entries below seq %(size)s, as of the end of day %(before)s, the last before
-- the period, and of day %(until)s, its last. A gift is a donor's from its own day on, or from the day on which somebody said
-- so, until it was taken back. Along a serial days only grow, so what counts of its way is the beginning.

-- name: owned
-- Begins the others: every gift that was the donor's as of one of the days, whether as of each (`was`, `still`), and each way that
-- its serials went by the last of them.
with named as (
    select said.seq, said.donation, said.donor,
        coalesce((told.body #>> '{data,on}')::date, ((told.body ->> 'at')::timestamptz at time zone %(zone)s)::date) as day
    from view_attribution said
    join entry using (seq)
    cross join lateral (select convert_from(entry.body, 'UTF8')::jsonb as body) told
    where said.donation = any(array(select donation from view_attribution where donor = %(donor)s))
), gift as (
    select each.tape, each.lo, each.hi, each.donation, each.fund, each.target, each.posted_on, each.seq,
        starts_with(each.target, 'fee/') as fee, owner.attributed, owner.last,
        each.posted_on <= %(before)s and owner.before is not distinct from %(donor)s as was,
        owner.until is not distinct from %(donor)s as still
    from (
        select * from view_gift where donor = %(donor)s
        union
        select * from view_gift where donation = any(array(select donation from named))
    ) each
    cross join lateral (
        select count(*) > 0 as attributed,
            case when count(*) = 0 then each.donor
                else (array_agg(named.donor order by named.seq desc) filter (
                    where day <= %(before)s and named.seq < %(size)s))[1] end as before,
            case when count(*) = 0 then each.donor
                else (array_agg(named.donor order by named.seq desc) filter (
                    where day <= %(until)s and named.seq < %(size)s))[1] end as until,
            max(named.seq) filter (where day <= %(until)s and named.seq < %(size)s) as last
        from named where named.donation = each.donation
    ) owner
    where each.seq < %(size)s and each.posted_on <= %(until)s
), owned as materialized (
    select * from gift where was or still
), way as materialized (
    select owned.fee, owned.attributed, owned.was, owned.still, owned.last, owned.seq as gift, owned.seq as entry,
        owned.posted_on as day, '' as source, owned.target, owned.hi - owned.lo as amount
    from owned
    union all
    select owned.fee, owned.attributed, owned.was, owned.still, owned.last, owned.seq, move.seq,
        move.posted_on, move.source, move.target, least(move.hi, owned.hi) - greatest(move.lo, owned.lo)
    from owned
    cross join lateral (
        select * from view_movement each
        where box(point(each.tape, each.lo), point(each.tape, each.hi - 1))
            && box(point(owned.tape, owned.lo), point(owned.tape, owned.hi - 1))
        offset 0
    ) move
    where move.posted_on <= %(until)s and move.seq < %(size)s
)

-- name: sums
-- Minor units by kind of place (`cash` for what families were granted), whether taken as a fee and whether somebody said later
-- whose they are: as of either day.
select case when split_part(side.place, '/', 1) = 'used' and split_part(side.place, '/', 3) = '' then 'cash'
        else split_part(side.place, '/', 1) end as kind, fee, attributed,
    coalesce(sum(sign * amount) filter (where was and day <= %(before)s), 0)::bigint,
    coalesce(sum(sign * amount) filter (where still), 0)::bigint
from way cross join lateral (values (target, 1), (source, -1)) side (place, sign)
where side.place <> '' group by 1, 2, 3 order by 1, 2, 3

-- name: gifts
-- The gifts that became the donor's in the period, or (`still` is false) were taken back: entry, day, fund, minor units, of them
-- taken as a fee, and the entry that said whose they are.
select seq, donation, posted_on, min(fund), sum(hi - lo)::bigint,
    coalesce(sum(hi - lo) filter (where fee), 0)::bigint, case when attributed then last end, still
from owned where was <> still group by seq, donation, posted_on, attributed, last, still order by seq

-- name: items
-- What became of the donor's money in the period, entry by entry: from where to where, minor units, of how many gifts. What
-- was done with a gift before it became the donor's counts when it did; all of what was taken back goes nowhere.
select way.entry, way.day, entry.type, source, target, sum(amount)::bigint, count(distinct gift)
from way join entry on entry.seq = way.entry
where still and (not was or day > %(before)s) and source <> ''
group by way.entry, way.day, entry.type, source, target
union all
select last, max(day), 'EntryReversed', place, '', sum(sign * amount)::bigint, count(distinct gift)
from way cross join lateral (values (target, 1), (source, -1)) side (place, sign)
where was and not still and day <= %(before)s and place <> ''
group by last, place having sum(sign * amount) > 0
order by 1, 4, 5
