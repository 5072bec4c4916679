-- What a donor's own pages read: where their money stands and since when, gift by gift, and what was changed on its way.
-- Ranges of gifts and of places that meet are looked up as in queries.sql.

-- name: standing
-- Where a donor's money is: minor units by place, whether it is a fee's and how old it is there (which of %(ages)s days it
-- has reached), of how many ranges; the first and the last day on which any came there, and the entry of the first gift.
select near.place, near.fund, starts_with(gift.target, 'fee/') as fee, width_bucket(%(today)s::date - near.since, %(ages)s) as age,
    min(near.since), max(near.since),
    sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint as amount, count(*) as ranges,
    (min(array[near.since - date '1970-01-01', gift.seq]))[2] as first
from view_gift gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
where gift.donor = %(donor)s
group by near.place, near.fund, fee, age

-- name: gifts
-- So many of a donor's gifts from below entry %(before)s on, newest first, by place: minor units, and whether they are a fee's.
select gift.seq, gift.donation, gift.posted_on, gift.opening, near.place, near.fund, starts_with(gift.target, 'fee/') as fee,
    sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint as amount
from (
    select * from view_gift where donor = %(donor)s and seq < %(before)s and seq >= coalesce((
        select seq from view_gift where donor = %(donor)s and seq < %(before)s
        group by seq order by seq desc offset %(gifts)s - 1 limit 1), 0)
) gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
group by gift.seq, gift.donation, gift.posted_on, gift.opening, near.place, near.fund, starts_with(gift.target, 'fee/')
order by gift.seq desc, near.place

-- name: changes
-- So many entries of these types, from below entry %(before)s on, newest first, that moved a donor's serials: from where to
-- where, in minor units, and with how much of that now at which case (null: at none).
with moved as materialized (
    select move.seq, move.posted_on, move.type, move.source, move.target, move.tape,
        greatest(move.lo, gift.lo) as lo, least(move.hi, gift.hi) as hi
    from view_gift gift
    cross join lateral (
        select * from view_movement each
        where box(point(each.tape, each.lo), point(each.tape, each.hi - 1))
            && box(point(gift.tape, gift.lo), point(gift.tape, gift.hi - 1))
        offset 0
    ) move
    where gift.donor = %(donor)s and move.seq < %(before)s and move.type = any(%(types)s)
), shown as (
    select distinct seq from moved order by seq desc limit %(limit)s
)
select moved.seq, moved.posted_on, moved.type, moved.source, moved.target, near.case_id,
    sum(least(moved.hi, near.hi) - greatest(moved.lo, near.lo))::bigint as amount
from moved join shown using (seq)
cross join lateral places_meeting(moved.tape, moved.lo, moved.hi) near
group by moved.seq, moved.posted_on, moved.type, moved.source, moved.target, near.case_id
order by moved.seq desc, moved.source, moved.target, near.case_id nulls last

-- name: changes_of_many
-- The same of a donor with very many gifts: whether a move met one of these is looked up, the newest first, until there are
-- so many; each gift's moves would be 10,000 questions.
with tapes as materialized (
    select distinct tape from view_gift where donor = %(donor)s
), shown as materialized (
    select seq from (
        select seq, tape, lo, hi from view_movement join tapes using (tape)
        where type = any(%(types)s) and seq < %(before)s order by seq desc
    ) each
    where exists (select from gifts_meeting(each.tape, each.lo, each.hi) gift where gift.donor = %(donor)s)
    group by seq order by seq desc limit %(limit)s
), moved as materialized (
    select move.seq, move.posted_on, move.type, move.source, move.target, move.tape,
        greatest(move.lo, gift.lo) as lo, least(move.hi, gift.hi) as hi
    from shown join view_movement move using (seq)
    cross join lateral gifts_meeting(move.tape, move.lo, move.hi) gift
    where gift.donor = %(donor)s and move.type = any(%(types)s)
)
select moved.seq, moved.posted_on, moved.type, moved.source, moved.target, near.case_id,
    sum(least(moved.hi, near.hi) - greatest(moved.lo, near.lo))::bigint as amount
from moved
cross join lateral places_meeting(moved.tape, moved.lo, moved.hi) near
group by moved.seq, moved.posted_on, moved.type, moved.source, moved.target, near.case_id
order by moved.seq desc, moved.source, moved.target, near.case_id nulls last

-- name: facts
-- What these entries say, each with its seq; of a part of a longer entry what its first part says.
select entry.seq, coalesce(first.body, entry.body)
from entry
left join entry first on first.seq = (convert_from(entry.body, 'UTF8')::jsonb #>> '{data,of}')::bigint
where entry.seq = any(%(seqs)s)

-- name: steps
-- So many steps of one gift's serials behind a step (entry, from, to), oldest first: the gift's own entry, then each move; with
-- minor units, how many ranges, and the first few of them.
select seq, posted_on, type, source, target, sum(hi - lo)::bigint as amount, count(*) as ranges,
    (array_agg('t' || tape || ':' || lo || '-' || hi order by tape, lo))[1:3] as named
from (
    select gift.seq, gift.posted_on, entry.type, gift.tape, gift.lo, gift.hi, '' as source, gift.target
    from view_gift gift join entry using (seq) where gift.donation = %(donation)s
    union all
    select move.seq, move.posted_on, move.type, move.tape, greatest(move.lo, gift.lo), least(move.hi, gift.hi),
        move.source, move.target
    from view_gift gift
    cross join lateral (
        select * from view_movement each
        where box(point(each.tape, each.lo), point(each.tape, each.hi - 1))
            && box(point(gift.tape, gift.lo), point(gift.tape, gift.hi - 1))
        offset 0
    ) move
    where gift.donation = %(donation)s
) step
where (seq, source, target) > (%(seq)s, %(source)s, %(target)s)
group by seq, posted_on, type, source, target order by seq, source, target limit %(limit)s

-- name: pieces
-- So many ranges of one gift behind a serial, in the order of the tapes: where each is, and since when.
select gift.tape, greatest(gift.lo, near.lo) as lo, least(gift.hi, near.hi) as hi, near.place, near.since
from view_gift gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
where gift.donation = %(donation)s and (gift.tape, greatest(gift.lo, near.lo)) > (%(tape)s, %(lo)s)
order by gift.tape, greatest(gift.lo, near.lo) limit %(limit)s

-- name: issue
-- A gift by its id or its entry: whose it is, its entry with leaf hash and type, day, fund, minor units, the entry that took
-- it back if one did, and what of it was taken as a fee.
select gift.donation, gift.donor, gift.seq, entry.leaf, entry.type, gift.posted_on, min(gift.fund),
    sum(gift.hi - gift.lo)::bigint, reversal.seq,
    coalesce(sum(gift.hi - gift.lo) filter (where starts_with(gift.target, 'fee/')), 0)::bigint
from view_gift gift join entry using (seq) left join reversal on reverses = gift.seq
where gift.donation = coalesce(%(donation)s,
    (select convert_from(body, 'UTF8')::jsonb #>> '{data,donation}' from entry where seq = %(seq)s))
group by gift.donation, gift.donor, gift.seq, entry.leaf, entry.type, gift.posted_on, reversal.seq

-- name: attributes
-- What is said of these cases.
select id, attributes from case_file where id = any(%(cases)s)

-- name: span
-- The days of a donor's first and last gift.
select min(posted_on), max(posted_on) from view_gift where donor = %(donor)s

-- name: names
-- What the entries that opened these records call them.
select stream, convert_from(body, 'UTF8')::jsonb #>> '{data,name}' from entry
where version = 1 and stream = any(%(streams)s)
