-- name: hospital_movements
-- What came to a hospital, and left it, in a period, by kind of fact: what is paid and not settled, and what is settled.
select type, sum(paid)::bigint, sum(used)::bigint
from (
    select 'BalanceBroughtForward' as type, hi - lo as paid, 0 as used from view_gift
    where hospital = %(id)s and posted_on between %(since)s and %(until)s and seq < %(size)s
    union all
    select type, case target_kind when 'hospital' then hi - lo else 0 end, case target_kind when 'used' then hi - lo else 0 end
    from view_movement
    where target_hospital = %(id)s and posted_on between %(since)s and %(until)s and seq < %(size)s
    union all
    select type, case source_kind when 'hospital' then lo - hi else 0 end, case source_kind when 'used' then lo - hi else 0 end
    from view_movement
    where source_hospital = %(id)s and posted_on between %(since)s and %(until)s and seq < %(size)s
) part
group by type having sum(paid) <> 0 or sum(used) <> 0 order by type
