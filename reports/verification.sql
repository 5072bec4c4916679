-- Reads for holding what is derived against the entries, all in one snapshot.

-- name: snapshot
-- One state of the database for all that follows, and no change to it.
set transaction isolation level repeatable read, read only; set local datestyle = 'ISO'

-- name: head
-- How many entries there are, and the last one's leaf hash.
select size, leaf from head

-- name: share
-- The name under which another connection can see this moment.
select pg_export_snapshot()

-- name: see
-- The moment of that name.
set transaction snapshot '{snapshot}'

-- name: entry_columns
-- Entries whose columns are not what their bytes say: the envelope's end made anew from the columns.
select seq from entry
cross join lateral (
    select convert_to(
        '"seq":' || seq || ',"stream":' || to_json(stream) || ',"type":"' || type || '","v":1,"version":' || version
        || '}', 'UTF8'
    ) as ending offset 0
) made
where substring(body from length(body) - length(ending) + 1) <> ending
order by seq limit 10

-- name: leaves
-- The leaf hashes of entries from .. to (exclusive), one behind the other, as the table has them.
select string_agg(leaf, ''::bytea order by seq) from entry where seq >= %s and seq < %s

-- name: odd_leaves
-- Entries whose hash is not that of their bytes.
select seq from entry where leaf <> sha256('\x00'::bytea || body) order by seq limit 10

-- name: tape_ends
-- Each tape that has serials, with its end.
select number, ends_at from tape

-- name: holding
-- Where each serial is, by the write side.
select tape, lo, hi, place, home, since::text from holding order by tape, lo

-- name: view_position
-- How many entries the views are made of.
select coalesce(max(notification_id), 0) from view_tracking where application_name = 'journal'

-- name: view_positions
-- How many entries the views, and each kind of sums, are made of.
select application_name, notification_id from view_tracking

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
-- Every gift's issues as they came, by the views, in lumps of so many pages of the table: a line each (`issue_line` says
-- what is in it), and how many there are. A gift whose donor was said later came without.
select convert_to(lump.lines, 'UTF8'), lump.issues
from generate_series(0, pg_relation_size('view_gift') / current_setting('block_size')::integer, 64) page
cross join lateral (
    select count(*) as issues, string_agg(concat_ws(E'\t',
        seq, tape, lo, hi, coalesce(donation, ''),
        case when donor is null or donation in (select donation from view_attribution) then '' else donor end, posted_on, target
        || case when hospital is null and case_id is null and not opening then E'\t\t\t' else
            concat(E'\t', hospital, E'\t', case_id, E'\t', case when opening then 't' end) end), E'\n') as lines
    from view_gift
    where ctid >= ('(' || page || ',0)')::tid and ctid < ('(' || page + 64 || ',0)')::tid
) lump
where lump.issues > 0

-- name: gifts_unlike
-- Gifts that are not of their tape's fund, whose donor is not the last that was said, or with an empty text where nothing
-- would stand: the lines of view_gift do not tell these apart.
select gift.tape, gift.lo from view_gift gift
left join view_tape tape on tape.number = gift.tape
where gift.fund is distinct from tape.fund or '' in (donation, donor, hospital, case_id)
union all
select gift.tape, gift.lo
from (select distinct on (donation) donation, donor from view_attribution order by donation, seq desc) newest
join view_gift gift using (donation)
where gift.donor is distinct from newest.donor

-- name: view_attribution
-- What was said of gifts' donors, by the views.
select seq, donation, donor from view_attribution

-- name: view_movement
-- Every move, by the views; whose money it is only where the place says so.
select lo, hi, seq, posted_on::text, type, 't' || tape,
    source, source_kind, case when source_kind in ('fund', 'fee') then source_fund end, source_hospital, source_case,
    target, target_kind, case when target_kind in ('fund', 'fee') then target_fund end, target_hospital, target_case
from view_movement

-- name: funds_unlike
-- Places where issues and moves do not come to what stands there of a fund: whose money it is elsewhere, by the views.
select tape, place
from (
    select tape, target as place, fund, hi - lo as amount from view_gift
    union all
    select tape, target, target_fund, hi - lo from view_movement
    union all
    select tape, source, source_fund, lo - hi from view_movement
    union all
    select tape, place, fund, lo - hi from view_place
) told
where place <> 'void'
group by tape, place, fund having sum(amount) <> 0

-- name: tapes_unlike
-- Tapes that are not as the entries that opened them say.
select coalesce(tape.number, told.number)
from view_tape tape
full join (
    select seq, data, substring(data ->> 'tape' from 2)::integer as number
    from entry
    cross join lateral (select convert_from(body, 'UTF8')::jsonb -> 'data' as data offset 0) read
    where type = 'TapeOpened'
) told on tape.number = told.number
where tape.seq is distinct from told.seq or tape.fund is distinct from told.data ->> 'fund'
   or tape.terms is distinct from (
       select jsonb_object_agg(key, value) from jsonb_each(told.data)
       where key in ('nature', 'restriction', 'usable_from', 'expires_on', 'agreement'))
