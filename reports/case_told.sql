-- What pages tell of cases beside traces and timelines.

-- name: cases
-- Cases behind an id whose id begins so, of one fund or ('') all, with what stands for each in minor units: allocated, paid, used.
select file.id, file.fund, file.attributes, file.is_open, money.at_case, money.paid, money.used
from (
    select id, fund, attributes, is_open from case_file
    where id > %(after)s and starts_with(id, %(begins)s) and (not %(only_open)s or is_open)
        and %(fund)s in ('', fund)
    order by id limit %(limit)s
) file
cross join lateral (
    select coalesce(sum(hi - lo) filter (where kind = 'case'), 0)::bigint as at_case,
        coalesce(sum(hi - lo) filter (where kind = 'hospital'), 0)::bigint as paid,
        coalesce(sum(hi - lo) filter (where kind = 'used'), 0)::bigint as used
    from view_place where case_id = file.id
) money
order by file.id

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
