-- Which gifts, and which places, a range of serials meets. Ranges of a tape lie there without gap or overlap, so they are
-- the last that begins at or before `lo` and, where that ends too soon, those behind it that begin below `hi`: mostly one
-- look at one index. The planner writes a function of one plain query into whatever asks, as if it stood there; `offset 0`
-- keeps it to these looks, whatever it thinks of the tables' sizes. Names are looked up when asked, so that views made anew
-- beside the others are found in their place.
create function gifts_meeting(tape integer, lo bigint, hi bigint) returns setof view_gift language sql stable as $$
    select near.*
    from (select * from view_gift each where each.tape = $1 and each.lo <= $2 order by each.lo desc limit 1) first
    cross join lateral (
        select first.*
        union all
        select * from view_gift each where first.hi < $3 and each.tape = $1 and each.lo >= first.hi and each.lo < $3
    ) near
    offset 0
$$;

create function places_meeting(tape integer, lo bigint, hi bigint) returns setof view_place language sql stable as $$
    select near.*
    from (select * from view_place each where each.tape = $1 and each.lo <= $2 order by each.lo desc limit 1) first
    cross join lateral (
        select first.*
        union all
        select * from view_place each where first.hi < $3 and each.tape = $1 and each.lo >= first.hi and each.lo < $3
    ) near
    offset 0
$$;
