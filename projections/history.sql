-- What traces read when they look back: the queries of queries.sql, by the same names and with the same columns, over the
-- entries below seq %(size)s posted not after %(as_of)s; what moves no money counts by its seq alone. Along a serial both seq
-- and day only grow, so what counts is the beginning of its way. It stands where it came once more often than it left, which
-- makes every figure a sum over issues and moves in whatever order, and every range one where such a sum is 1.

-- name: size_known
-- How many entries the chain has.
select size from head

-- name: recorded_at
-- The instant of an entry: its bytes begin {"at":"2026-11-21T23:07:00.123456Z".
select convert_from(substring(body from 8 for 27), 'UTF8') from entry where seq = %s

-- name: known
-- Whether anything was recorded on this stream.
select exists (select from entry where stream = %(stream)s and seq < %(size)s)

-- name: chosen
-- Begins `gifts`, `gift_places`, `gift_flows` and `donation_flows`: a donor's gifts, as far as they were known to be the donor's, or one gift;
-- of so many gifts from above entry %(after)s on; and each step of their serials, 1 where they came and -1 where they left.
with candidate as (
    select * from view_gift where donor = %(donor)s
    union all
    select * from view_gift
    where donation = any(array(select donation from view_attribution where donor = %(donor)s))
      and donor is distinct from %(donor)s
    union all
    select * from view_gift where donation = %(donation)s
), known as (
    select each.tape, each.lo, each.hi, each.donation, donor.id as donor, each.fund, each.target, each.posted_on, each.seq
    from candidate each
    cross join lateral (
        select case when count(*) = 0 then each.donor
            else (array_agg(said.donor order by said.seq desc) filter (where said.seq < %(size)s))[1] end as id
        from view_attribution said where said.donation = each.donation
    ) donor
    where each.posted_on <= %(as_of)s and each.seq < %(size)s
      and (donor.id = %(donor)s or each.donation = %(donation)s) and each.seq > %(after)s
), chosen as (
    select * from known where seq <= coalesce((
        select seq from known group by seq order by seq offset %(gifts)s - 1 limit 1), 9007199254740991)
), step as (
    select tape, lo as gift, target as place, lo, hi, 1 as sign from chosen
    union all
    select near.tape, gift.lo, side.place, greatest(gift.lo, near.lo), least(gift.hi, near.hi), side.sign
    from chosen gift
    cross join lateral (
        select * from view_movement each
        where box(point(each.tape, each.lo), point(each.tape, each.hi - 1))
            && box(point(gift.tape, gift.lo), point(gift.tape, gift.hi - 1))
        offset 0
    ) near
    cross join lateral (values (near.target, 1), (near.source, -1)) side (place, sign)
    where near.posted_on <= %(as_of)s and near.seq < %(size)s
)

-- name: gifts
-- Oldest first: amount in minor units, as issued.
select seq, donation, donor, min(fund), posted_on, sum(hi - lo)::bigint as amount
from chosen group by seq, donation, donor, posted_on order by seq, donation

-- name: gift_places
-- Where the serials of these gifts were, in minor units per place.
select place, sum((hi - lo) * sign)::bigint as amount from step group by place
having sum((hi - lo) * sign) > 0 order by place

-- name: gift_flows
-- The same range by range, cut at the borders of gifts, in the order of the gifts.
select gift.seq, gift.donation, gift.fund, gift.posted_on, run.tape, run.lo, run.hi, run.place
from (
    select tape, gift, place, serial as lo, lead(serial) over along as hi,
        sum(sign) over along as there
    from (
        select tape, gift, place, serial, sum(side.sign) as sign
        from step cross join lateral (values (lo, sign), (hi, -sign)) side (serial, sign)
        group by tape, gift, place, serial having sum(side.sign) <> 0
    ) edge
    window along as (partition by tape, gift, place order by serial)
) run join chosen gift on gift.tape = run.tape and gift.lo = run.gift
where there > 0 order by gift.seq, run.tape, run.lo

-- name: donation_flows
-- The same of one gift from tape %(tape)s and serial %(serial)s on, in their order.
select run.tape, run.lo, run.hi, gift.donation, run.place
from (
    select tape, gift, place, serial as lo, lead(serial) over along as hi,
        sum(sign) over along as there
    from (
        select tape, gift, place, serial, sum(side.sign) as sign
        from step cross join lateral (values (lo, sign), (hi, -sign)) side (serial, sign)
        group by tape, gift, place, serial having sum(side.sign) <> 0
    ) edge
    window along as (partition by tape, gift, place order by serial)
) run join chosen gift on gift.tape = run.tape and gift.lo = run.gift
where there > 0 and (run.tape, run.lo) >= (%(tape)s, %(serial)s) order by run.tape, run.lo

-- name: case_sums
-- What stood for a case, by kind of place; and what had come home from its hospitals and uses, less what went the other way.
select kind, sum(amount)::bigint
from (
    select split_part(target, '/', 1) as kind, hi - lo as amount from view_gift
    where case_id = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select target_kind, hi - lo from view_movement
    where target_case = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select source_kind, lo - hi from view_movement
    where source_case = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select 'returned', hi - lo from view_movement
    where source_case = %(case)s and source_kind in ('hospital', 'used') and target_kind in ('fund', 'fee')
      and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select 'returned', lo - hi from view_movement
    where target_case = %(case)s and target_kind in ('hospital', 'used') and source_kind in ('fund', 'fee')
      and posted_on <= %(as_of)s and seq < %(size)s
) part group by kind

-- name: owned
-- Begins `case_donors` and `hospital_donors`: the gifts, with the donors known, whose serials stood for a case or at a hospital.
with step as (
    select tape, lo, hi, 1 as sign from view_gift
    where case_id = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select tape, lo, hi, 1 from view_gift
    where hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select tape, lo, hi, 1 from view_movement
    where target_case = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select tape, lo, hi, -1 from view_movement
    where source_case = %(case)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select tape, lo, hi, 1 from view_movement
    where target_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select tape, lo, hi, -1 from view_movement
    where source_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
), run as (
    select tape, serial as lo, lead(serial) over along as hi, sum(sign) over along as there
    from (
        select tape, serial, sum(side.sign) as sign
        from step cross join lateral (values (lo, sign), (hi, -sign)) side (serial, sign)
        group by tape, serial having sum(side.sign) <> 0
    ) edge
    window along as (partition by tape order by serial)
), owned as (
    select donor.id as donor, near.donation, near.seq, run.tape,
        greatest(run.lo, near.lo) as lo, least(run.hi, near.hi) as hi
    from run
    cross join lateral gifts_meeting(run.tape, run.lo, run.hi) near
    cross join lateral (
        select case when count(*) = 0 then near.donor
            else (array_agg(said.donor order by said.seq desc) filter (where said.seq < %(size)s))[1] end as id
        from view_attribution said where said.donation = near.donation
    ) donor
    where run.there > 0
)

-- name: case_donors
-- Whose serials stood for a case, range by range, in the order of the gifts.
select seq, donor, donation, tape, lo, hi from owned where seq > %(after)s order by seq, donation, tape, lo

-- name: hospital_donors
-- Whose serials stood at a hospital, in minor units per donor; money of no known donor comes last.
select donor, sum(hi - lo)::bigint as amount from owned where donor > %(behind)s or donor is null
group by donor order by donor

-- name: hospital_cases
-- What stood at a hospital for each case: paid and not settled, and settled.
select case_id, coalesce(sum(amount) filter (where kind = 'hospital'), 0)::bigint as paid,
    coalesce(sum(amount) filter (where kind = 'used'), 0)::bigint as used
from (
    select case_id, split_part(target, '/', 1) as kind, hi - lo as amount from view_gift
    where hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select target_case, target_kind, hi - lo from view_movement
    where target_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select source_case, source_kind, lo - hi from view_movement
    where source_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
) part where case_id > %(behind)s
group by case_id having sum(amount) > 0 order by case_id

-- name: hospital_sums
-- The same over all cases.
select coalesce(sum(amount) filter (where kind = 'hospital'), 0)::bigint,
    coalesce(sum(amount) filter (where kind = 'used'), 0)::bigint
from (
    select split_part(target, '/', 1) as kind, hi - lo as amount from view_gift
    where hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select target_kind, hi - lo from view_movement
    where target_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
    union all
    select source_kind, lo - hi from view_movement
    where source_hospital = %(hospital)s and posted_on <= %(as_of)s and seq < %(size)s
) part

-- name: funds
-- Every fund that was known.
select fund.id from fund
join entry on entry.stream = 'fund/' || fund.id and entry.version = 1 and entry.seq < %(size)s order by fund.id

-- name: fund_figures_told
-- What had come into these funds and where it stood: by kind of place, with whose money it is; what was issued; what of that
-- was brought forward from before the ledger, less what of it was void; what had come from other funds and what had gone
-- there. The reversal of a transfer counts as none having been, and so does whatever makes void what was transferred. Whole
-- blocks of entries are added up already, so many as %(blocks)s, those below entry %(first)s: whole months of the first
-- %(lumped)s, which make %(lumps)s lumps; then the last month's days; then days of the other blocks.
select fund, figure, sum(amount)::bigint
from (
    select fund, figure, amount
    from (
        select fund, split_part(target, '/', 1) as kind, opening, sum(hi - lo) as amount from view_gift
        where fund = any(%(funds)s) and posted_on <= %(as_of)s and seq >= %(first)s and seq < %(size)s
        group by 1, 2, 3
    ) gift
    cross join lateral (values ('issued'), (kind), (case when opening then 'brought_forward' end)) named (figure)
    where figure is not null
    union all
    select target_fund, target_kind, hi - lo from view_movement
    where target_fund = any(%(funds)s) and posted_on <= %(as_of)s and seq >= %(first)s and seq < %(size)s
    union all
    select source_fund, source_kind, lo - hi from view_movement
    where source_fund = any(%(funds)s) and posted_on <= %(as_of)s and seq >= %(first)s and seq < %(size)s
    union all
    select side.fund, side.figure, side.amount
    from view_movement
    cross join lateral (select type = 'EntryReversed' or target_kind = 'void' as undone, hi - lo as amount) step
    cross join lateral (values
        (target_fund, case when undone then 'went' else 'came' end, case when undone then -amount else amount end),
        (source_fund, case when undone then 'came' else 'went' end, case when undone then -amount else amount end)
    ) side (fund, figure, amount)
    where source_fund <> target_fund and side.fund = any(%(funds)s) and posted_on <= %(as_of)s
      and seq >= %(first)s and seq < %(size)s
    union all
    select near.fund, 'brought_forward', (least(move.hi, near.hi) - greatest(move.lo, near.lo))
        * case when move.target_kind = 'void' then -1 else 1 end
    from view_movement move
    cross join lateral gifts_meeting(move.tape, move.lo, move.hi) near
    where (move.source_kind = 'void' or move.target_kind = 'void') and near.opening and near.fund = any(%(funds)s)
      and move.posted_on <= %(as_of)s and move.seq >= %(first)s and move.seq < %(size)s
    union all
    select fund, figure, amount from view_period
    where grain = 'month' and block < %(lumps)s and since < date_trunc('month', %(as_of)s::date) and fund = any(%(funds)s)
    union all
    select fund, figure, amount from view_period
    where grain = 'day' and block < %(lumped)s and since >= date_trunc('month', %(as_of)s::date) and since <= %(as_of)s
      and fund = any(%(funds)s)
    union all
    select fund, figure, amount from view_period
    where grain = 'day' and block >= %(lumped)s and block < %(blocks)s and since <= %(as_of)s and fund = any(%(funds)s)
) part group by fund, figure

-- name: fund_tapes
-- The tapes of these funds: terms, serials issued, and how many of them were void.
select tape.fund, tape.number, tape.terms,
    coalesce((
        select sum(hi - lo) from view_gift
        where view_gift.tape = tape.number and posted_on <= %(as_of)s and seq < %(size)s), 0)::bigint as issued,
    coalesce((
        select sum(case when target_kind = 'void' then hi - lo else lo - hi end) from view_movement
        where view_movement.tape = tape.number and (source_kind = 'void' or target_kind = 'void')
          and posted_on <= %(as_of)s and seq < %(size)s), 0)::bigint as void
from view_tape tape where tape.fund = any(%(funds)s) and tape.seq < %(size)s order by tape.number

-- name: serial
-- The gift of one serial, with the donor known, and its issue in the columns of serial_moves.
select gift.donation, donor.id, gift.fund, gift.seq, gift.posted_on, entry.type, null, gift.target, entry.stream,
    convert_from(entry.body, 'UTF8')::jsonb #> '{data,basis}', convert_from(entry.body, 'UTF8')::jsonb #>> '{data,by}'
from (select * from view_gift where tape = %(tape)s and lo <= %(serial)s order by lo desc limit 1) gift
join entry using (seq)
cross join lateral (
    select case when count(*) = 0 then gift.donor
        else (array_agg(said.donor order by said.seq desc) filter (where said.seq < %(size)s))[1] end as id
    from view_attribution said where said.donation = gift.donation
) donor
where gift.hi > %(serial)s and gift.posted_on <= %(as_of)s and gift.seq < %(size)s

-- name: serial_moves
-- Every move of one serial, oldest first, with the record of its entry, and what that says of why and who.
select move.seq, move.posted_on, move.type, move.source, move.target, move.stream, why.basis, why.by
from (
    select * from view_movement join entry using (seq, type)
    where box(point(tape, lo), point(tape, hi - 1))
        && box(point(%(tape)s, %(serial)s), point(%(tape)s, %(serial)s))
      and posted_on <= %(as_of)s and seq < %(size)s
) move
cross join lateral (
    select data -> 'basis' as basis, data ->> 'by' as by
    from (
        select convert_from(first.body, 'UTF8')::jsonb -> 'data' as data from entry first
        where first.seq = coalesce((convert_from(move.body, 'UTF8')::jsonb #>> '{data,of}')::bigint, move.seq)
    ) told
) why
order by move.seq
