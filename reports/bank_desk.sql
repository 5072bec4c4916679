-- Lines of statements as finance works through them, by what stands of each; and what people said of suggestions.

-- name: lines
-- Lines in the order of days, from a place on, each with what of it is taken.
select * from (
    select booked_on, statement, ordinal, account, amount_minor, bank_ref, order_ref, taken, file, position, case when state = 'unmatched'
            and (statement, ordinal) in (select * from unnest(%(statements)s::bigint[], %(ordinals)s::int[]))
        then 'suggested' else state end as state
    from line_standing
    where currency = %(currency)s and (%(account)s::text is null or account = %(account)s)
        and (%(since)s::date is null or booked_on between %(since)s and %(until)s)
        and (%(day)s::date is null
            or (booked_on, statement, ordinal) > (%(day)s::date, %(number)s::bigint, %(ordinal)s::int))
) line
where %(state)s::text is null or state = %(state)s
order by booked_on, statement, ordinal limit %(limit)s

-- name: counts
-- How many lines are in each state, and what they come to.
select state, count(*), sum(amount_minor)::bigint from (
    select amount_minor, case when state = 'unmatched'
            and (statement, ordinal) in (select * from unnest(%(statements)s::bigint[], %(ordinals)s::int[]))
        then 'suggested' else state end as state
    from line_standing
    where currency = %(currency)s and (%(account)s::text is null or account = %(account)s)
        and (%(since)s::date is null or booked_on between %(since)s and %(until)s)
) line
group by state

-- name: accounts
-- Accounts that have lines, or are open: kind, and when the last line was booked.
select coalesce(account.id, line.account), kind, last_on from account
full join (select account, max(booked_on) as last_on from bank_line group by account) line on line.account = account.id
order by 1

-- name: named
-- A line by its file, the statement's place in it and its ordinal.
select statement, ordinal, account, booked_on, amount_minor from line_standing
where file = %(file)s and position = %(statement)s and ordinal = %(ordinal)s

-- name: suspended
-- Receipts that nobody could place yet: what is left of each, and its entry.
select id, amount_minor, left_minor, seq, (convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'on')::date
from suspense join entry on stream = 'suspense/' || id and type = 'ReceiptSuspended'
where left_minor > 0 order by seq

-- name: version
-- Changes whenever suggestions may be others: entries, statements that count, what was refused.
select (select size from head), (select count(*) from bank_statement), (select count(*) from bank_acceptance),
    (select count(*) from bank_refusal)

-- name: refused
-- Ways that people refused.
select encode(way, 'hex') from bank_refusal

-- name: refuse
-- One more.
insert into bank_refusal (way, at, by) values (decode(%(way)s, 'hex'), %(at)s, %(by)s) on conflict do nothing

-- name: asked
-- Who asked that statements be accepted, and why.
select statement, by, reason, at from bank_acceptance_asked order by at

-- name: ask
-- One person's word for a statement that does not tie.
insert into bank_acceptance_asked (statement, at, by, reason) values (%(statement)s, %(at)s, %(by)s, %(reason)s)
on conflict do nothing
