-- Which money at funds could help a case.

-- name: case
-- A case as it stands.
select fund, attributes, household, purpose, is_open from case_file where id = %(case)s

-- name: siblings
-- Other open cases of the same person or household.
select other.id, other.fund, other.purpose, other.attributes ->> 'person' = case_file.attributes ->> 'person'
from case_file join case_file other on other.id <> case_file.id and other.is_open
  and (other.attributes ->> 'person' = case_file.attributes ->> 'person' or other.household = case_file.household)
where case_file.id = %(case)s order by other.id limit 20

-- name: waiting
-- Money waiting in funds, by tape and place: minor units, since when the oldest is there.
select tape, place, fund, sum(hi - lo)::bigint, min(since) from view_place
where kind = 'fund' and (%(fund)s::text is null or fund = %(fund)s)
group by tape, place, fund

-- name: tapes
-- The terms of tapes.
select number, terms from view_tape where number = any(%(tapes)s)
