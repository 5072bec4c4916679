-- What statements read beside what the entries posted.

-- name: names
-- What funds and hospitals are called, by their streams.
select stream, convert_from(body, 'UTF8')::jsonb #>> '{data,name}' from entry
where type in ('FundOpened', 'HospitalRegistered') and seq < %(size)s

-- name: advances
-- What was paid to hospitals for cases, settled and returned, by day, in the entries below seq %(size)s posted by %(until)s.
-- A reversal counts against what it takes back.
select hospital, case_id, posted_on, step, sum(amount)::bigint
from (
    select hospital, case_id, posted_on, 'opening_balance' as step, hi - lo as amount from view_gift
    where hospital is not null and seq < %(size)s and posted_on <= %(until)s
    union all
    select target_hospital, target_case, posted_on,
        case when source_kind = 'used' then 'settled' when type = 'EntryReversed' then 'returned' else 'paid' end, hi - lo
    from view_movement
    where target_kind = 'hospital' and seq < %(size)s and posted_on <= %(until)s
    union all
    select source_hospital, source_case, posted_on,
        case when target_kind = 'used' then 'settled' when target_kind = 'void' then 'opening_balance'
            when type = 'EntryReversed' then 'paid' else 'returned' end, lo - hi
    from view_movement
    where source_kind = 'hospital' and seq < %(size)s and posted_on <= %(until)s
) step group by 1, 2, 3, 4 order by 1, 2, 3, 4
