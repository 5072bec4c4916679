-- What the flow picture reads: where each serial is now, net of every way there and back, by whose gift it came, whose money
-- it is and where it is. One pass over the places reads every gift about once. Money that is void never was any, and is
-- left out. A query is `of_places` or `of_donor`, then `paths`.

-- name: room
-- Room to gather by donor in memory: what one such query may take, beside which a spill to disk is slow.
set local work_mem = '64MB'

-- name: of_places
-- All money, or that of one fund (of its place, or of the home it left) or one case.
with part as materialized (
    select near.donor, near.opening, near.seq, place.fund, place.hospital, place.kind,
        least(place.hi, near.hi) - greatest(place.lo, near.lo) as amount
    from view_place place
    cross join lateral gifts_meeting(place.tape, place.lo, place.hi) near
    where place.kind <> 'void' and near.posted_on between %(since)s and %(until)s
      and (%(fund)s::text is null or place.fund = %(fund)s) and (%(case)s::text is null or place.case_id = %(case)s)
)

-- name: of_donor
-- The same of one donor's gifts.
with part as materialized (
    select gift.donor, gift.opening, gift.seq, near.fund, near.hospital, near.kind,
        least(gift.hi, near.hi) - greatest(gift.lo, near.lo) as amount
    from view_gift gift
    cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
    where gift.donor = %(donor)s and near.kind <> 'void' and gift.posted_on between %(since)s and %(until)s
      and (%(fund)s::text is null or near.fund = %(fund)s) and (%(case)s::text is null or near.case_id = %(case)s)
)

-- name: of_past
-- The same looking back, of entries below seq %(size)s posted not after %(as_of)s, with donors as known: each gift where it
-- came to, and what every move brought there and took away.
with part as materialized (
    select donor.id as donor, near.opening, near.seq, step.fund, step.hospital, step.kind, step.amount
    from view_gift near
    cross join lateral (
        select case when count(*) = 0 then near.donor
            else (array_agg(said.donor order by said.seq desc) filter (where said.seq < %(size)s))[1] end as id
        from view_attribution said where said.donation = near.donation
    ) donor
    cross join lateral (
        select near.fund, near.hospital, near.case_id, split_part(near.target, '/', 1) as kind, near.hi - near.lo as amount
        union all
        select side.fund, side.hospital, side.case_id, side.kind,
            side.sign * (least(move.hi, near.hi) - greatest(move.lo, near.lo))
        from view_movement move
        cross join lateral (values
            (move.target_fund, move.target_hospital, move.target_case, move.target_kind, 1),
            (move.source_fund, move.source_hospital, move.source_case, move.source_kind, -1)
        ) side (fund, hospital, case_id, kind, sign)
        where box(point(move.tape, move.lo), point(move.tape, move.hi - 1))
            && box(point(near.tape, near.lo), point(near.tape, near.hi - 1))
          and move.posted_on <= %(as_of)s and move.seq < %(size)s
    ) step
    where near.posted_on <= %(as_of)s and near.seq < %(size)s and near.posted_on between %(since)s and %(until)s
      and step.kind <> 'void' and (%(donor)s::text is null or donor.id = %(donor)s)
      and (%(fund)s::text is null or step.fund = %(fund)s) and (%(case)s::text is null or step.case_id = %(case)s)
)

-- name: paths
-- Minor units by donor (the %(top)s who gave most, the others together), fund, hospital and kind of place; the entries of
-- the first and the last gift among them, and how many donors there are. Cash to a family is apart from treatment.
, giver as materialized (
    select donor, sum(amount) as given from part where donor is not null group by donor having sum(amount) > 0
), many as (
    select count(*) as givers from giver
), leader as materialized (
    select donor from giver order by given desc, donor
    limit (select case when givers = %(top)s + 1 then givers else %(top)s end from many)
), path as (
    select leader.donor as leader, part.donor is null as nobodys, opening, fund, hospital, kind,
        sum(amount)::bigint as amount, min(seq) as first, max(seq) as last
    from part left join leader using (donor)
    group by leader.donor, part.donor is null, opening, fund, hospital, kind having sum(amount) > 0
)
select case when leader is not null then 'donor/' || leader
        when not nobodys then 'donors/others'
        when opening then 'donors/opening' else 'donors/unknown' end as giver,
    'fund/' || fund, 'hospital/' || hospital,
    'outcome/' || case when kind = 'used' and hospital is null then 'cash' else kind end,
    sum(amount)::bigint, min(first), max(last), (select givers from many)
from path group by 1, 2, 3, 4 order by 1, 2, 3, 4

-- name: known
-- Whether anything was recorded on this stream.
select exists (select from entry where stream = %(stream)s)

-- name: has_given
-- Whether any gift is this donor's.
select exists (select from view_gift where donor = %(donor)s)

-- name: names
-- What funds and hospitals are called, by their streams.
select stream, convert_from(body, 'UTF8')::jsonb #>> '{data,name}' from entry
where stream = any(%(streams)s) and type in ('FundOpened', 'HospitalRegistered')

-- name: sums
-- Whether the sums of flows are in step with the views, which are of more than a few entries; how many donors there are;
-- whether enough of those who gave most are kept in order.
select coalesce((
        select flows.notification_id = views.notification_id and views.notification_id > %(few)s
        from view_tracking flows, view_tracking views
        where flows.application_name = 'journal.flows' and views.application_name = 'journal'), false),
    givers, (select count(*) from (select from view_leader limit %(top)s + 1) leading_ones) >= least(givers, %(top)s + 1)
from (select donors - (select count(*) from view_donor where empty) as givers from view_giving) many

-- name: whole
-- What `of_places` and `paths` come to for all money, from the sums: leaders with few gifts are looked up, those with many
-- have their places kept, and the others are what is left. Bounds are those of the gifts that ever stood there.
with leader as materialized (
    select donor, view_donor.many from view_leader join view_donor using (donor)
    order by view_leader.given desc, donor limit case when %(givers)s = %(top)s + 1 then %(givers)s else %(top)s end
), led as materialized (
    select gift.donor, near.fund, coalesce(near.hospital, '') as hospital, near.kind,
        sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo)) as amount, min(gift.seq) as first, max(gift.seq) as last
    from leader
    cross join lateral (select * from view_gift each where each.donor = leader.donor offset 0) gift
    cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
    where not leader.many and near.kind <> 'void'
    group by gift.donor, near.fund, near.hospital, near.kind
    union all
    select place.donor, place.fund, place.hospital, place.kind, sum(place.amount),
        (select min(seq) from view_gift where view_gift.donor = place.donor),
        (select max(seq) from view_gift where view_gift.donor = place.donor)
    from leader join view_donor_place place using (donor)
    where leader.many and place.kind <> 'void'
    group by place.donor, place.fund, place.hospital, place.kind
), path as (
    select 'donor/' || donor as giver, fund, hospital, kind, amount, first, last from led
    union all
    select 'donors/' || whose, fund, hospital, kind, amount, first, last from view_standing where whose <> 'all'
    union all
    select 'donors/others', fund, hospital, kind, sum(amount), min(first), max(last)
    from (
        select fund, hospital, kind, amount, first, last from view_standing where whose = 'all'
        union all
        select fund, hospital, kind, -amount, null, null from view_standing where whose <> 'all'
        union all
        select fund, hospital, kind, -amount, null, null from led
    ) part group by fund, hospital, kind
)
select giver, 'fund/' || fund, case when hospital <> '' then 'hospital/' || hospital end,
    'outcome/' || case when kind = 'used' and hospital = '' then 'cash' else kind end,
    amount::bigint, first, last, %(givers)s::bigint
from path where kind <> 'void' and amount <> 0
order by giver, fund, hospital, kind

-- name: of_one
-- The same for one donor with many gifts, of one fund or all; nothing when there are no such sums.
select 'donor/' || donor, 'fund/' || fund, case when hospital <> '' then 'hospital/' || hospital end,
    'outcome/' || case when kind = 'used' and hospital = '' then 'cash' else kind end,
    sum(amount)::bigint, (select min(seq) from view_gift where donor = %(donor)s),
    (select max(seq) from view_gift where donor = %(donor)s), 1
from view_donor_place
where donor = %(donor)s and kind <> 'void' and (%(fund)s::text is null or fund = %(fund)s)
group by donor, fund, hospital, kind having sum(amount) <> 0
order by fund, hospital, kind
