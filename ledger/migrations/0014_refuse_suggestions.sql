-- What people said of suggestions and of statements that do not tie, beside the entries: rows are only ever added.

-- Ways in which lines and legs do not belong together, whatever a rule may think: SHA-256 of both sides.
create table bank_refusal (
    way bytea primary key check (length(way) = 32),
    at timestamptz not null,
    by text not null
);

-- Who asks that a statement that does not tie be accepted, and why: another person's word makes it an acceptance.
create table bank_acceptance_asked (
    statement bigint not null references bank_statement,
    at timestamptz not null,
    by text not null,
    reason text not null,
    primary key (statement, by)
);

-- Every line with what stands of it, and its state as far as entries say it; whether a rule suggests something is no entry's.
create view line_standing as
select line.statement, line.ordinal, line.account, line.currency, booked_on, amount_minor, bank_ref, order_ref,
    encode(sha256, 'hex') as file, position, coalesce(said.taken, 0) as taken, case
        when ties is not true and acceptance.by is null then 'held'
        when said.taken is null then 'unmatched'
        when said.taken = amount_minor or said.kind = 'disputed' then said.kind
        else 'partial' end as state
from bank_line line join bank_statement on id = line.statement
left join bank_acceptance acceptance on acceptance.statement = line.statement
left join lateral (
    select sum(part.amount_minor)::bigint as taken, (array_agg(part.kind order by part.seq desc))[1] as kind
    from line_part part
    where part.file = sha256 and part.statement = position and part.ordinal = line.ordinal and undone is null
) said on true
where amount_minor <> 0;
