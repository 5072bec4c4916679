-- What timelines read, of the present and looking back: entries below seq %(size)s posted not after %(as_of)s.

-- name: gift_steps
-- Each step of these gifts' serials, range by range: the gift's own entry first, then every move. Behind `chosen` of
-- queries.sql or history.sql.
select gift.seq, gift.donation, step.seq, step.posted_on, step.type, step.tape, step.lo, step.hi, step.source, step.target
from chosen gift
cross join lateral (
    select gift.seq, gift.posted_on, entry.type, gift.tape, gift.lo, gift.hi, null as source, gift.target
    from entry where entry.seq = gift.seq
    union all
    select each.seq, each.posted_on, each.type, each.tape, greatest(each.lo, gift.lo), least(each.hi, gift.hi),
        each.source, each.target
    from view_movement each
    where box(point(each.tape, each.lo), point(each.tape, each.hi - 1))
        && box(point(gift.tape, gift.lo), point(gift.tape, gift.hi - 1))
      and each.posted_on <= %(as_of)s and each.seq < %(size)s
) step
order by gift.seq, step.seq, step.tape, step.lo

-- name: case_steps
-- Each entry of a case: what was recorded on its stream, and what moved its money from where to where, in minor units; with
-- the instant of recording, which stands at the beginning of an entry's bytes.
select seq, posted_on, at, type, stream, source, target, amount
from (
    select seq, posted_on, type, source, target, sum(hi - lo)::bigint as amount
    from (
        select * from view_movement where target_case = %(case)s
        union all
        select * from view_movement where source_case = %(case)s and target_case is distinct from %(case)s
    ) move
    where posted_on <= %(as_of)s and seq < %(size)s
    group by seq, posted_on, type, source, target
    union all
    select gift.seq, gift.posted_on, entry.type, null, gift.target, sum(gift.hi - gift.lo)::bigint
    from view_gift gift join entry using (seq)
    where gift.case_id = %(case)s and gift.posted_on <= %(as_of)s and gift.seq < %(size)s
    group by gift.seq, gift.posted_on, entry.type, gift.target
    union all
    select seq, (convert_from(body, 'UTF8')::jsonb #>> '{data,on}')::date, type, null, null, 0 from entry
    where stream = 'case/' || %(case)s and seq < %(size)s
      and not exists (
        select from view_movement where view_movement.seq = entry.seq and (source_case = %(case)s or target_case = %(case)s))
      and convert_from(body, 'UTF8')::jsonb #> '{data,of}' is null
) step join (
    select seq, stream, convert_from(substring(body from 8 for 27), 'UTF8') as at from entry
) recorded using (seq)
order by seq, source nulls first, target

-- name: case_givers
-- Whose money came to a case from elsewhere, entry by entry: donor as known, gift and minor units, in the order of the gifts.
select step.seq, donor.id, near.donation, sum(least(step.hi, near.hi) - greatest(step.lo, near.lo))::bigint
from (
    select seq, tape, lo, hi from view_movement
    where target_case = %(case)s and source_case is distinct from %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select seq, tape, lo, hi from view_gift where case_id = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
) step
cross join lateral gifts_meeting(step.tape, step.lo, step.hi) near
cross join lateral (
    select case when count(*) = 0 then near.donor
        else (array_agg(said.donor order by said.seq desc) filter (where said.seq < %(size)s))[1] end as id
    from view_attribution said where said.donation = near.donation
) donor
group by step.seq, donor.id, near.donation, near.seq order by step.seq, near.seq
