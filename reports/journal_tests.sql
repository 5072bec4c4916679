-- Journal tests: which entries an auditor looks at first. Each query stands behind `judged`, the entries of a stretch of the
-- chain with what the tests ask of them. A program with a token (`token:NAME`) is no person.

-- name: patience
-- Nobody's page keeps the database busy for longer.
set local statement_timeout = '60s'

-- name: judged
-- Entries from %(first)s up to %(end)s: their posting day, local time of recording, persons, amount in minor units.
with told as materialized (
    select seq, type, stream, convert_from(substring(body from 8 for 27), 'UTF8')::timestamptz at time zone %(zone)s as local,
        convert_from(body, 'UTF8')::jsonb -> 'data' as data
    from entry where seq >= %(first)s and seq < %(end)s
), judged as (
    select seq, type, stream, local, (data ->> 'on')::date as posted_on, data ->> 'by' as by,
        coalesce(data -> 'approved_by', '[]') as approvers,
        case when jsonb_typeof(data -> 'amount') = 'number' then (data ->> 'amount')::bigint
            else (select sum((line ->> 'amount')::bigint)::bigint from jsonb_array_elements(data -> 'lines') line) end as amount
    from told
), flagged as (
    select *, local::date - posted_on > %(days)s as back_dated,
        by not like 'token:%%' and (extract(hour from local) >= %(night)s or extract(hour from local) < %(morning)s) as at_night,
        by is not null and approvers @> to_jsonb(by) as one_person,
        amount < %(limit)s and amount * 100 >= %(limit)s * (100 - %(percent)s) as just_under
    from judged
)

-- name: counts
-- How many entries each test finds.
select count(*) filter (where back_dated), count(*) filter (where at_night), count(*) filter (where one_person),
    count(*) filter (where just_under)
from flagged

-- name: found
-- What one test finds below a seq, newest first.
select seq, type, stream, local, posted_on, by, approvers, amount from flagged
where seq < %(before)s and case %(test)s
    when 'back_dated' then back_dated when 'at_night' then at_night
    when 'one_person' then one_person when 'just_under' then just_under end
order by seq desc limit %(rows)s

-- name: recorded_at
-- The instant at which an entry was recorded, which stands at the beginning of its bytes.
select convert_from(substring(body from 8 for 27), 'UTF8')::timestamptz from entry where seq = %(seq)s
