-- What the page of a case tells beside its trace and its timeline.

-- name: givers
-- The gifts whose serials stand for a case, from above entry %(after)s on, oldest first: donor, gift, day, and how much of
-- it is allocated, paid and used, in minor units.
select near.seq, near.donor, near.donation, min(near.posted_on),
    coalesce(sum(near.size) filter (where place.kind = 'case'), 0)::bigint,
    coalesce(sum(near.size) filter (where place.kind = 'hospital'), 0)::bigint,
    coalesce(sum(near.size) filter (where place.kind = 'used'), 0)::bigint
from view_place place
cross join lateral (
    select each.donation, each.donor, each.seq, each.posted_on,
        least(place.hi, each.hi) - greatest(place.lo, each.lo) as size
    from view_gift each
    where each.tape = place.tape and each.lo < place.hi and each.lo >= (
        select max(before.lo) from view_gift before where before.tape = place.tape and before.lo <= place.lo)
    offset 0
) near
where place.case_id = %(case)s and near.seq > %(after)s
group by near.seq, near.donor, near.donation order by near.seq, near.donation limit %(limit)s
