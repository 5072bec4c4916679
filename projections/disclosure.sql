-- What tells how many children a sum of the public picture is for.

-- name: children
-- The children (their persons, or the case where it names none) whose money goes each way: fund, hospital and outcome as
-- the nodes of the picture are called.
select 'fund/' || place.fund, 'hospital/' || place.hospital,
    'outcome/' || case when place.kind = 'used' and place.hospital is null then 'cash' else place.kind end,
    array_agg(distinct coalesce(case_file.attributes ->> 'person', 'case/' || place.case_id))
from view_place place left join case_file on case_file.id = place.case_id
where place.case_id is not null
group by 1, 2, 3
