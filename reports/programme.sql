-- What programme staff see at their desk.

-- name: funds
-- Every fund: its name, minor units available, allocated and paid but not settled, and how many of its cases are open.
select fund.id, coalesce(convert_from(entry.body, 'UTF8')::jsonb #>> '{data,name}', fund.id), standing.available,
    standing.allocated, standing.paid, (select count(*) from case_file where case_file.fund = fund.id and is_open)
from fund join entry on entry.stream = 'fund/' || fund.id and entry.version = 1
cross join lateral (
    select coalesce(sum(amount) filter (where kind = 'fund'), 0)::bigint as available,
        coalesce(sum(amount) filter (where kind = 'case'), 0)::bigint as allocated,
        coalesce(sum(amount) filter (where kind = 'hospital'), 0)::bigint as paid
    from view_standing where whose = 'all' and view_standing.fund = fund.id
) standing
order by fund.id

-- name: agreements
-- Money under agreements, by fund with its name: minor units received, used and waiting in funds, children helped, the first day of expiry.
select tape.terms ->> 'agreement', tape.fund, min(named.name), sum(place.hi - place.lo)::bigint,
    coalesce(sum(place.hi - place.lo) filter (where place.kind in ('hospital', 'used')), 0)::bigint,
    coalesce(sum(place.hi - place.lo) filter (where place.kind = 'fund'), 0)::bigint,
    count(distinct coalesce(case_file.attributes ->> 'person', place.case_id))
        filter (where place.kind in ('hospital', 'used')),
    min(tape.terms ->> 'expires_on')::date
from view_tape tape
cross join lateral (
    select coalesce(convert_from(body, 'UTF8')::jsonb #>> '{data,name}', tape.fund) as name from entry
    where stream = 'fund/' || tape.fund and version = 1
) named
join view_place place on place.tape = tape.number and place.kind <> 'void'
left join case_file on case_file.id = place.case_id
where tape.terms ? 'agreement'
group by 1, 2 order by 1, 2
