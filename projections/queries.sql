-- What traces read. Gifts are chosen by donor or by donation in two arms, each of which has its index, since an "or" of
-- parameters may be planned as a scan of everything; ranges that meet are found by gifts_meeting and places_meeting.

-- name: snapshot
-- All reads of this transaction see one state of the views. Compiling a plan takes longer than any trace runs, and tables
-- that nobody has analysed yet look dear enough for it. No range is looked up twice, so remembering them is in vain.
begin isolation level repeatable read, read only; set local jit = off; set local enable_memoize = off

-- name: periods_tell
-- Whether the sums of periods are in step with the views; and whether they tell of no more entries than are known.
select coalesce(bool_and(periods.notification_id = views.notification_id), false),
    coalesce(bool_and(periods.notification_id <= %(size)s), false)
from view_tracking periods, view_tracking views
where periods.application_name = 'journal.periods' and views.application_name = 'journal'

-- name: known
-- Whether anything was recorded on this stream.
select exists (select from entry where stream = %(stream)s)

-- name: gifts
-- Behind `chosen`: these gifts, oldest first; amount in minor units, as issued.
select seq, donation, donor, min(fund), posted_on, sum(hi - lo)::bigint as amount
from chosen group by seq, donation, donor, posted_on order by seq, donation

-- name: gift_places
-- Where the serials of these gifts are, in minor units per place.
select near.place, sum(least(gift.hi, near.hi) - greatest(gift.lo, near.lo))::bigint as amount
from (
    select * from view_gift where donor = %(donor)s
    union all
    select * from view_gift where donation = %(donation)s
) gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
group by near.place order by near.place

-- name: donor_places
-- The same of a donor with very many gifts, as it is kept; nothing for others, or where the sums stand still.
select place, sum(amount)::bigint from view_donor_place
where donor = %(donor)s and (
    select flows.notification_id = views.notification_id from view_tracking flows, view_tracking views
    where flows.application_name = 'journal.flows' and views.application_name = 'journal')
group by place having sum(amount) <> 0 order by place

-- name: gift_flows
-- Behind `chosen`: these gifts range by range, cut at the borders of gifts and of places, in the order of the gifts.
select gift.seq, gift.donation, gift.fund, gift.posted_on, gift.tape,
    greatest(gift.lo, near.lo), least(gift.hi, near.hi), near.place
from chosen gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
order by gift.seq, gift.tape, greatest(gift.lo, near.lo)

-- name: donation_flows
-- The ranges of one gift from tape %(tape)s and serial %(serial)s on, in their order, cut at the borders of places.
select gift.tape, greatest(gift.lo, near.lo), least(gift.hi, near.hi), gift.donation, near.place
from (
    select donation, tape, hi,
        case tape when %(tape)s then greatest(lo, %(serial)s) else lo end as lo
    from view_gift where donation = %(donation)s and (tape, hi) > (%(tape)s, %(serial)s)
) gift
cross join lateral places_meeting(gift.tape, gift.lo, gift.hi) near
order by gift.tape, greatest(gift.lo, near.lo)

-- name: chosen
-- Begins `gifts`, `gift_flows` and `gift_steps`: so many of a donor's gifts from above entry %(after)s on, or one gift.
with chosen as (
    select * from view_gift
    where donor = %(donor)s and seq > %(after)s and seq <= coalesce((
        select seq from view_gift where donor = %(donor)s and seq > %(after)s
        group by seq order by seq offset %(gifts)s - 1 limit 1), 9007199254740991)
    union all
    select * from view_gift where donation = %(donation)s
)

-- name: case_sums
-- What stands for a case, by kind of place; and what came home from its hospitals and uses. A move the other way undoes
-- that (the reversal of a return) or changes only whose money it is (a substitution), so it counts against it.
select kind, sum(hi - lo)::bigint from view_place where case_id = %(case)s group by kind
union all
select 'returned', sum(hi - lo)::bigint from view_movement
where source_case = %(case)s and source_kind in ('hospital', 'used') and target_kind in ('fund', 'fee')
union all
select 'returned', -sum(hi - lo)::bigint from view_movement
where target_case = %(case)s and target_kind in ('hospital', 'used') and source_kind in ('fund', 'fee')

-- name: case_donors
-- Whose serials stand for a case, range by range, in the order of the gifts from above entry %(after)s on.
select near.seq, near.donor, near.donation, near.tape, greatest(place.lo, near.lo) as lo, least(place.hi, near.hi) as hi
from view_place place
cross join lateral gifts_meeting(place.tape, place.lo, place.hi) near
where place.case_id = %(case)s and near.seq > %(after)s
order by near.seq, near.donation, near.tape, greatest(place.lo, near.lo)

-- name: hospital_cases
-- What stands at a hospital for each case behind one: paid and not settled, and settled.
select case_id,
    coalesce(sum(hi - lo) filter (where kind = 'hospital'), 0)::bigint as paid,
    coalesce(sum(hi - lo) filter (where kind = 'used'), 0)::bigint as used
from view_place where hospital = %(hospital)s and case_id > %(behind)s group by case_id order by case_id

-- name: hospital_sums
-- The same over all cases.
select coalesce(sum(hi - lo) filter (where kind = 'hospital'), 0)::bigint,
    coalesce(sum(hi - lo) filter (where kind = 'used'), 0)::bigint
from view_place where hospital = %(hospital)s

-- name: hospital_donors
-- Whose serials stand at a hospital, in minor units per donor behind one; money of no known donor comes last.
select near.donor, sum(least(place.hi, near.hi) - greatest(place.lo, near.lo))::bigint as amount
from view_place place
cross join lateral gifts_meeting(place.tape, place.lo, place.hi) near
where place.hospital = %(hospital)s and (near.donor > %(behind)s or near.donor is null)
group by near.donor order by near.donor

-- name: funds
-- Every fund.
select id from fund order by id

-- name: fund_figures
-- What came into these funds and where it stands, up to a day: whole months, then the days of the last.
select fund, figure, sum(amount)::bigint from view_period
where fund = any(%(funds)s)
  and (grain = 'month' and since < date_trunc('month', %(as_of)s::date)
    or grain = 'day' and since >= date_trunc('month', %(as_of)s::date) and since <= %(as_of)s)
group by fund, figure

-- name: fund_tapes
-- The tapes of these funds: terms, serials issued, and how many of them are void.
select tape.fund, tape.number, tape.terms,
    coalesce((select hi from view_place where view_place.tape = tape.number order by lo desc limit 1), 0) as issued,
    coalesce((select sum(hi - lo) from view_place where view_place.tape = tape.number and kind = 'void'), 0)::bigint as void
from view_tape tape where tape.fund = any(%(funds)s) order by tape.number

-- name: serial
-- The gift of one serial, and its issue in the columns of serial_moves.
select gift.donation, gift.donor, gift.fund, gift.seq, gift.posted_on, entry.type, null, gift.target, entry.stream,
    convert_from(entry.body, 'UTF8')::jsonb #> '{data,basis}', convert_from(entry.body, 'UTF8')::jsonb #>> '{data,by}'
from (select * from view_gift where tape = %(tape)s and lo <= %(serial)s order by lo desc limit 1) gift
join entry using (seq)
where gift.hi > %(serial)s

-- name: serial_moves
-- Every move of one serial, oldest first, with the record of its entry, and what that says of why and who.
select move.seq, move.posted_on, move.type, move.source, move.target, move.stream, why.basis, why.by
from (
    select * from view_movement join entry using (seq, type)
    where box(point(tape, lo), point(tape, hi - 1))
        && box(point(%(tape)s, %(serial)s), point(%(tape)s, %(serial)s))
) move
cross join lateral (
    select data -> 'basis' as basis, data ->> 'by' as by
    from (
        select convert_from(first.body, 'UTF8')::jsonb -> 'data' as data from entry first
        where first.seq = coalesce((convert_from(move.body, 'UTF8')::jsonb #>> '{data,of}')::bigint, move.seq)
    ) told
) why
order by move.seq

-- name: gift_entries
-- The entries that brought a donor's gifts, or one gift, moved any of their serials, or said something of the gift.
with gift as (
    select tape, lo, hi, donation, seq from view_gift where donor = %(donor)s
    union all
    select tape, lo, hi, donation, seq from view_gift where donation = %(donation)s
)
select seq, body from (
    select seq from gift
    union
    select near.seq from gift cross join lateral (
        select seq from view_movement
        where box(point(view_movement.tape, view_movement.lo), point(view_movement.tape, view_movement.hi - 1))
            && box(point(gift.tape, gift.lo), point(gift.tape, gift.hi - 1))
    ) near
    union
    select seq from entry where stream in (select 'donation/' || donation from gift)
) asked join entry using (seq) order by seq

-- name: stream_entries
-- The entries on one stream.
select seq, body from entry where stream = %(stream)s order by seq
