-- Reads for holding what is derived against the entries, all in one snapshot.

-- name: snapshot
-- One state of the database for all that follows, and no change to it.
set transaction isolation level repeatable read, read only

-- name: head
-- How many entries there are, and the last one's leaf hash.
select size, leaf from head

-- name: entry_columns
-- Entries whose columns are not what their bytes say: the hash, and the envelope's end made anew from the columns.
select seq from entry
cross join lateral (
    select convert_to(
        format('"seq":%s,"stream":%s,"type":"%s","v":1,"version":%s}', seq, to_json(stream), type, version), 'UTF8'
    ) as ending
) made
where leaf <> sha256('\x00'::bytea || body)
   or substring(body from length(body) - length(ending) + 1) <> ending
order by seq limit 10

-- name: tape_ends
-- Each tape that has serials, with its end.
select number, ends_at from tape

-- name: holding
-- Where each serial is, by the write side.
select tape, lo, hi, place, home, since::text from holding order by tape, lo

-- name: view_position
-- How many entries the views are made of.
select coalesce(max(notification_id), 0) from view_tracking where application_name = 'journal'

-- name: view_place
-- Where each serial is, by the views.
select tape, lo, hi, place, home, since::text from view_place order by tape, lo

-- name: stray_entries
-- Rows that the chain's end does not cover: no entry of the ledger, however they came there.
select seq from entry where seq >= (select size from head) order by seq limit 10

-- name: register
-- Funds and codes that are not as the entries that made them say.
with told as (
    select type, convert_from(body, 'UTF8')::jsonb -> 'data' as data from entry
    where type in ('FundOpened', 'CodeDefined')
)
select 'fund', coalesce(fund.id, data ->> 'fund') from fund
full join (select data from told where type = 'FundOpened') facts on fund.id = data ->> 'fund'
where fund.fee_bp is distinct from coalesce((data ->> 'fee_bp')::integer, 0) or fund.id is null or data is null
union all
select 'code', coalesce(code.dimension || '/' || code.code, data ->> 'code') from code
full join (select data from told where type = 'CodeDefined') facts
    on code.dimension = data ->> 'dimension' and code.code = data ->> 'code'
where code.parent is distinct from data ->> 'parent' or code.code is null or data is null
limit 10

-- name: view_gift
-- Every gift's issues, by the views.
select seq, 't' || tape, lo, hi, donation, donor, posted_on::text from view_gift

-- name: view_movement
-- Every move, by the views.
select seq, 't' || tape, lo, hi, source, target from view_movement
