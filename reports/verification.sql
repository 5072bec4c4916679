-- Reads for holding what is derived against the entries, all in one snapshot.

-- name: snapshot
-- One state of the database for all that follows, and no change to it. Compiling a plan takes longer than it runs.
set transaction isolation level repeatable read, read only; set local datestyle = 'ISO';
set local client_encoding = 'UTF8'; set local jit = off; set local work_mem = '64MB';
set local enable_memoize = off

-- name: head
-- How many entries there are, and the last one's leaf hash.
select size, leaf from head

-- name: share
-- The name under which another connection can see this moment.
select pg_export_snapshot()

-- name: see
-- The moment of that name.
set transaction snapshot '{snapshot}'

-- name: entries
-- Of the entries from .. to (exclusive): the bodies as one C2SP entry bundle, as `bundle` of the journal makes it; the leaf
-- hashes as the table has them, one behind the other; those entries whose columns are not what their bytes say, by the
-- envelope's end made anew from the columns (few streams need JSON's escapes); and those that open funds, codes and tapes.
-- All in one look at the table; and whatever is said of every row costs verification some percent.
select string_agg(int2send((length(body) << 16 >> 16)::smallint) || body, ''::bytea), string_agg(leaf, ''::bytea),
    (array_agg(seq) filter (where (substring(body from length(body) - length(ending) + 1) = ending) is not true))[1:10],
    array_agg(seq) filter (where octet_length(type) < 12 and type = any('{FundOpened,CodeDefined,TapeOpened}'))
from (
    select seq, leaf, body, type, textsend('"seq":' || seq || ',"stream":"'
        || case when strpos(stream, '"') + strpos(stream, E'\\') = 0 then stream
            else substr(to_json(stream)::text, 2, length(to_json(stream)::text) - 2) end
        || '","type":"' || type
        || case version when 1 then '","v":1,"version":1}' else '","v":1,"version":' || version || '}' end) as ending
    from entry where seq >= %s and seq < %s order by seq offset 0
) made

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
-- Funds and codes that are not as the entries that made them say, which are among %(opening)s.
with told as (
    select type, convert_from(body, 'UTF8')::jsonb -> 'data' as data from entry
    where seq = any(%(opening)s) and type in ('FundOpened', 'CodeDefined')
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
-- what is in it), and how many there are. A gift whose donor was said later came without. An empty text is no line's: it
-- is not what stands for nothing, and shows as a line more. A row that lacks what none may lack counts twice, and shows as a
-- line too few: `concat_ws` passes over it.
select convert_to(lump.lines, 'UTF8'), lump.issues
from generate_series(0, pg_relation_size('view_gift') / current_setting('block_size')::integer, 64) page
cross join lateral (
    select count(*) + count(*) filter (where seq is null or hi is null or posted_on is null or opening is null) as issues,
        string_agg(concat_ws(E'\t', seq, tape, lo, hi,
            case when donation is null then '' else coalesce(nullif(donation, ''), E'\n') end,
            case when donor is null or donation in (select donation from view_attribution) then ''
                else coalesce(nullif(donor, ''), E'\n') end,
            posted_on, target || case when hospital is null and case_id is null and not opening then E'\t\t\t' else
                concat(E'\t', case hospital when '' then E'\n' else hospital end,
                    E'\t', case case_id when '' then E'\n' else case_id end,
                    E'\t', case when opening then 't' end) end), E'\n') as lines
    from view_gift
    where ctid >= ('(' || page || ',0)')::tid and ctid < ('(' || page + 64 || ',0)')::tid
) lump
where lump.issues > 0

-- name: donors_unlike
-- How many gifts there are whose donor is not the last that was said, if any.
select count(*)
from (select distinct on (donation) donation, donor from view_attribution order by donation, seq desc) newest
join view_gift gift using (donation)
where gift.donor is distinct from newest.donor
having count(*) > 0

-- name: view_attribution
-- What was said of gifts' donors, by the views.
select seq, donation, donor from view_attribution

-- name: view_movement
-- Every move, by the views; whose money it is only where the place says so.
select lo, hi, seq, posted_on::text, type, 't' || tape,
    source, source_kind, case when source_kind in ('fund', 'fee') then source_fund end, source_hospital, source_case,
    target, target_kind, case when target_kind in ('fund', 'fee') then target_fund end, target_hospital, target_case
from view_movement

-- name: tapes_unlike
-- Tapes that are not as the entries that opened them say, which are among %(opening)s.
select coalesce(tape.number, told.number)
from view_tape tape
full join (
    select seq, data, substring(data ->> 'tape' from 2)::integer as number
    from entry
    cross join lateral (select convert_from(body, 'UTF8')::jsonb -> 'data' as data offset 0) read
    where seq = any(%(opening)s) and type = 'TapeOpened'
) told on tape.number = told.number
where tape.seq is distinct from told.seq or tape.fund is distinct from told.data ->> 'fund'
   or tape.terms is distinct from (
       select jsonb_object_agg(key, value) from jsonb_each(told.data)
       where key in ('nature', 'restriction', 'usable_from', 'expires_on', 'agreement'))
