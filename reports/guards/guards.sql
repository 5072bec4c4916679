-- What the guards report reads, all in one snapshot. Gifts are millions and spending facts tens of thousands, so bodies
-- of entries are read by their seq: of those that moved money, of cases, and of the few gifts that look alike. `offset 0`
-- keeps the planner to that lookup, whatever it thinks of the tables' sizes.

-- name: snapshot
-- One state of the database for all that follows, and no change to it. Compiling a plan takes longer than it runs; what
-- is grouped over all gifts stays in memory.
set transaction isolation level repeatable read, read only; set local jit = off; set local work_mem = '64MB'

-- name: position
-- How many entries the views are made of: no entry behind those is read.
select coalesce(max(notification_id), 0) from view_tracking where application_name = 'journal'

-- name: known
-- Whether anything was recorded on this stream.
select exists (select from entry where stream = %s)

-- name: records
-- The entries that moved money, opening balances of cases and hospitals, and all entries on the streams of cases.
select entry.seq, entry.type, entry.body
from (select seq from view_movement union select seq from view_gift where case_id is not null) wanted
cross join lateral (select seq, type, body from entry where entry.seq = wanted.seq offset 0) entry
union all
select entry.seq, entry.type, entry.body
from case_file
cross join lateral (select seq, type, body from entry where entry.stream = 'case/' || case_file.id offset 0) entry
where entry.seq < %(position)s

-- name: tapes
-- Tapes with a last day up to `last_day` or of agency money: number, terms, and the entry that opened it.
select view_tape.number, view_tape.terms, entry.seq, entry.type, entry.body
from view_tape join entry using (seq)
where (view_tape.terms ->> 'expires_on')::date <= %(last_day)s or view_tape.terms ->> 'nature' = 'agency'
order by view_tape.number

-- name: issued_at_funds
-- What was issued on these tapes to a fund's place by that day, ranges that touch as one.
select tape, lower(run), upper(run), target
from (
    select tape, target, unnest(range_agg(int8range(lo, hi))) as run from view_gift
    where tape = any(%(tapes)s) and target like 'fund/%%' and posted_on <= %(today)s
    group by tape, target
) issued

-- name: issued_elsewhere
-- What was issued to cases and hospitals by that day: their opening balances.
select tape, lo, hi, seq, posted_on, fund, target from view_gift
where case_id is not null and posted_on <= %(today)s

-- name: movements
-- Every move by that day, in the order in which they were made, each with the fund whose money it is then.
select tape, lo, hi, seq, posted_on, target_fund, source, target from view_movement
where posted_on <= %(today)s order by seq, tape, lo

-- name: gifts_there
-- The gifts behind ranges of serials, which come with the number of the heap they belong to and the day they came there:
-- of each heap the largest `most` gifts, of how many, how much in all and since when, as far as it was there by `until`.
select heap, seq, entry.type, donation, posted_on, amount, gifts, total, oldest
from (
    select heap, seq, donation, posted_on, amount,
        row_number() over (partition by heap order by amount desc, seq) as place,
        count(*) over (partition by heap) as gifts,
        (sum(amount) over (partition by heap))::bigint as total,
        min(since) over (partition by heap) as oldest
    from (
        select wanted.heap, near.seq, near.donation, near.posted_on, min(greatest(near.posted_on, wanted.since)) as since,
            sum(least(wanted.hi, near.hi) - greatest(wanted.lo, near.lo))::bigint as amount
        from unnest(%(heaps)s::integer[], %(tapes)s::integer[], %(los)s::bigint[], %(his)s::bigint[], %(days)s::date[],
            %(untils)s::date[]) wanted (heap, tape, lo, hi, since, until)
        cross join lateral gifts_meeting(wanted.tape, wanted.lo, wanted.hi) near
        where greatest(near.posted_on, wanted.since) <= wanted.until
        group by wanted.heap, near.seq, near.donation, near.posted_on
    ) part
) ranked
join entry using (seq)
where place <= %(most)s
order by heap, place

-- name: gifts_alike
-- Gifts of one known donor, day and amount, one of which at least has no transaction number in force: donor and entry.
-- Days on which a donor gave once are sorted out first, and they are nearly all.
with day as (
    select donor, posted_on from view_gift where donor is not null and posted_on <= %(today)s
    group by donor, posted_on having min(seq) < max(seq)
), gift as (
    select seq, donor, posted_on, sum(hi - lo) as amount
    from day join view_gift using (donor, posted_on) group by seq, donor, posted_on
), alike as (
    select row_number() over () as number, donor, array_agg(seq) as seqs from gift
    group by donor, posted_on, amount having count(*) > 1
), each as (
    select number, donor, unnest(seqs) as seq from alike
), numbered as (
    select seq from business_key where key like 'donation' || chr(30) || '%%'
), doubtful as (
    select number from each left join numbered using (seq) group by number having count(*) > count(numbered.seq)
)
select each.donor, entry.seq, entry.type, entry.body
from doubtful join each using (number)
cross join lateral (select seq, type, body from entry where entry.seq = each.seq offset 0) entry
where entry.type = 'DonationReceived'
