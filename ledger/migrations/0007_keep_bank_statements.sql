-- Statements of banks and payment channels: evidence from outside, in no entry. Rows are only ever added: the service may
-- neither change nor delete them.

-- Each file once, whatever it is called.
create table bank_file (
    sha256 bytea primary key check (length(sha256) = 32),
    format text not null,
    imported_at timestamptz not null
);

-- One statement of one account in one currency; amounts in the currency's minor units. `lines` are those in the file, of
-- which `known` had come with an earlier file. `ties` is null where the file says nothing that could be checked; `failed`
-- are its claims that are not so: [[what, what_zh, stated, found, money], ...].
create table bank_statement (
    id bigint generated always as identity primary key,
    sha256 bytea not null references bank_file,
    position int not null,
    account text not null,
    currency text not null,
    exponent smallint not null,
    number text,
    first_on date,
    last_on date,
    opening_minor bigint,
    closing_minor bigint,
    closing_currency text,
    lines int not null check (lines >= 0),
    known int not null check (known between 0 and lines),
    credits_minor bigint not null check (credits_minor >= 0),
    debits_minor bigint not null check (debits_minor >= 0),
    fees_minor bigint not null,
    ties boolean,
    difference_minor bigint,
    failed jsonb not null,
    unique (sha256, position)
);
-- The bank's own number of a statement comes once in a period: many banks begin again each year.
create unique index bank_statement_number on bank_statement (account, currency, number, last_on) nulls not distinct
where number is not null;

-- Who took in a statement that did not tie, who approved, and why.
create table bank_acceptance (
    statement bigint primary key references bank_statement,
    at timestamptz not null,
    by text not null,
    approved_by text not null check (approved_by <> by),
    reason text not null
);

-- The lines. What they say of people is sealed under the key of their file in the vault (vault_person, `bankfile/...`).
-- `mark` tells a line of a format without numbered statements from every other of its account, day and amount, so that
-- downloads may overlap: the bank's reference, else time and balance; equal ones in one file are told apart by `twin`.
create table bank_line (
    statement bigint not null references bank_statement,
    ordinal int not null,
    account text not null,
    currency text not null,
    booked_on date not null,
    value_on date,
    clock text,
    amount_minor bigint not null,
    fee_minor bigint not null,
    balance_minor bigint,
    bank_ref text,
    order_ref text,
    mark text,
    twin int not null,
    sealed bytea,
    primary key (statement, ordinal)
);
create unique index bank_line_once on bank_line (account, currency, booked_on, amount_minor, mark, twin)
where mark is not null;
create index bank_line_day on bank_line (account, booked_on);
