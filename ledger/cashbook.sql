-- What a batch of commands reads and writes of accounts, suspense, statements' lines and periods: each once a batch.

-- name: accounts
-- All accounts, which are few.
select id, kind from account

-- name: suspense
-- These suspended receipts.
select id, amount_minor, left_minor, since from suspense where id = any(%s)

-- name: lines
-- These lines of statements that tie or were accepted: account, day, amount, and what of it stands matched, written off
-- or disputed.
with wanted as (
    select decode(file, 'hex') as file, statement, ordinal
    from unnest(%s::text[], %s::int[], %s::int[]) given (file, statement, ordinal)
)
select encode(wanted.file, 'hex'), wanted.statement, wanted.ordinal, line.account, line.booked_on, line.amount_minor,
    coalesce((
        select sum(part.amount_minor) from line_part part
        where (part.file, part.statement, part.ordinal) = (wanted.file, wanted.statement, wanted.ordinal)
            and part.undone is null
    ), 0)::bigint
from wanted
join bank_statement on sha256 = wanted.file and position = wanted.statement
join bank_line line on line.statement = bank_statement.id and line.ordinal = wanted.ordinal
left join bank_acceptance on bank_acceptance.statement = bank_statement.id
where line.amount_minor <> 0 and line.currency = (select currency from head) and (ties or bank_acceptance.by is not null)

-- name: entries
-- Those of these entries that are of such types, a line each, in lumps: put together here, they are read in one go there.
select string_agg(body, '\x0a'::bytea) from (
    select body, row_number() over () / 512 as lump from entry
    where seq = any(string_to_array(%s, ',')::bigint[]) and type = any(%s)
) one group by lump

-- name: reversed
-- Those of these entries that were reversed, and by which.
select reverses, seq from reversal where reverses = any(string_to_array(%s, ',')::bigint[])

-- name: legs_taken
-- What stands matched of the cash legs of these entries.
select entry, leg, sum(amount_minor)::bigint from leg_part
where entry = any(string_to_array(%s, ',')::bigint[]) and undone is null group by entry, leg

-- name: matches
-- These matches, write-offs and disputes, and the entry that undid each.
select distinct match, undone from line_part where match = any(%s)

-- name: closes
-- The periods that are closed, each with its last day.
select period, through from period_close where reopened is null order by through

-- name: insert_accounts
-- New accounts.
insert into account (id, kind, seq) select * from unnest(%s::text[], %s::text[], %s::bigint[])

-- name: set_suspense
-- Suspended receipts as they stand now.
insert into suspense (id, amount_minor, left_minor, since)
select * from unnest(%s::text[], %s::bigint[], %s::bigint[], %s::date[])
on conflict (id) do update
set amount_minor = excluded.amount_minor, left_minor = excluded.left_minor, since = excluded.since

-- name: copy_line_parts
-- Parts of lines of new matches.
copy line_part (match, kind, file, statement, ordinal, account, booked_on, amount_minor, seq) from stdin

-- name: copy_leg_parts
-- Parts of cash legs of new matches.
copy leg_part (seq, entry, leg, account, amount_minor) from stdin

-- name: undo_line_parts
-- Matches that stand no more.
update line_part set undone = gone.seq from unnest(%s::text[], %s::bigint[]) gone (match, seq)
where line_part.match = gone.match

-- name: undo_leg_parts
-- The same for their legs. One by one: all parts of lines there are would be sorted otherwise.
update leg_part set undone = gone.seq
from unnest(%s::text[], %s::bigint[]) gone (match, seq)
cross join lateral (select line_part.seq from line_part where line_part.match = gone.match limit 1) said
where leg_part.seq = said.seq

-- name: insert_closes
-- Periods that are closed now.
insert into period_close (seq, period, through) select * from unnest(%s::bigint[], %s::text[], %s::date[])

-- name: reopen
-- The last period closed is open again.
update period_close set reopened = gone.seq from unnest(%s::text[], %s::bigint[]) gone (period, seq)
where period_close.period = gone.period and reopened is null
