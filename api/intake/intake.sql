-- Staging: all rows of an import, in the session of one connection, until they are recorded in their order.

-- name: dimensions
-- The dimensions that the dictionary has codes for.
select distinct dimension from code

-- name: create
-- The rows as they come. `moment` orders the dated ones (a time in the ledger's zone), `argument` is the file's place on
-- the command line, `number` the row's in its file; rows with the same `joined` are recorded together. `payload` is the row, encrypted.
create temporary table staged (
    turn smallint not null,
    moment timestamp not null,
    argument integer not null,
    number bigint not null,
    joined text,
    payload text not null
)

-- name: copy
-- Rows of one file.
copy staged (turn, moment, argument, number, joined, payload) from stdin

-- name: in_order
-- All rows in the order in which they are recorded: those that go together, at the place of the first of them.
with first as (
    select distinct on (joined) joined, moment, argument, number
    from staged where joined is not null
    order by joined, moment, argument, number
)
select staged.argument, staged.number, staged.joined, staged.payload
from staged left join first using (joined)
order by
    turn,
    coalesce(first.moment, staged.moment),
    coalesce(first.argument, staged.argument),
    coalesce(first.number, staged.number),
    staged.argument,
    staged.number
