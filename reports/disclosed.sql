-- What the public page tells beside the balances and the picture.

-- name: names
-- What funds are called.
select substr(stream, 6), convert_from(body, 'UTF8')::jsonb #>> '{data,name}'
from entry where stream in (select 'fund/' || id from fund) and type = 'FundOpened'

-- name: months
-- The newest %(months)s months in which money came or was used: received (but for what was void, and balances brought
-- forward), used, and given back, in minor units.
select since, coalesce(sum(amount) filter (where figure = 'issued'), 0)::bigint
        - coalesce(sum(amount) filter (where figure in ('void', 'brought_forward')), 0)::bigint,
    coalesce(sum(amount) filter (where figure = 'used'), 0)::bigint,
    coalesce(sum(amount) filter (where figure = 'refunded'), 0)::bigint
from view_period where grain = 'month' and figure in ('issued', 'void', 'brought_forward', 'used', 'refunded')
group by since having bool_or(amount <> 0) order by since desc limit %(months)s

-- name: helped
-- Children whose treatment was paid or settled, or whose family got cash, by fund (their persons, or the case where it
-- names none), and the hospitals that they are at.
select place.fund, array_agg(distinct coalesce(case_file.attributes ->> 'person', 'case/' || place.case_id)),
    array_agg(distinct place.hospital) filter (where place.hospital is not null)
from (select distinct fund, case_id, hospital from view_place where kind in ('used', 'hospital')) place
left join case_file on case_file.id = place.case_id
group by place.fund

-- name: donors
-- How many known donors gave something that is not void.
select donors - (select count(*) from view_donor where empty) from view_giving

-- name: corrections
-- The newest reversals: what was taken back by which entry on which day, how much of it had moved, and why.
select reversal.reverses, wrong.type, reversal.seq, (convert_from(right_one.body, 'UTF8')::jsonb #>> '{data,on}')::date,
    convert_from(right_one.body, 'UTF8')::jsonb #> '{data,basis}',
    (select coalesce(sum(hi - lo), 0)::bigint from view_movement where view_movement.seq = reversal.seq)
from reversal join entry wrong on wrong.seq = reversal.reverses join entry right_one on right_one.seq = reversal.seq
order by reversal.seq desc limit %(limit)s
