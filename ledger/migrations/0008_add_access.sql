-- Who may use the service. No secret is kept as it is: of tokens, sessions and codes only a SHA-256 digest (they are random and
-- long, or short-lived), of passwords an Argon2id hash. Rows of tokens and accounts stay when they are revoked: who asked
-- for what can be told from entries and logs for good.

-- Tokens of machines, each with what it may be used for.
create table access_token (
    id text primary key,
    name text not null,
    digest bytea not null unique,
    scopes text[] not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);

-- Accounts of members of staff and of auditors; `name` is the opaque staff id that entries have as `by`.
create table access_account (
    name text primary key,
    password text not null,
    roles text[] not null,
    made_at timestamptz not null,
    closed_at timestamptz
);

-- Who is signed in, in a browser: an account, or a donor.
create table access_session (
    digest bytea primary key,
    account text references access_account (name),
    donor text,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    check ((account is null) <> (donor is null))
);
create index access_session_account on access_session (account) where account is not null;
create index access_session_expiry on access_session (expires_at);

-- One-time codes that are under way to a donor, one for each; `tries` is how often a wrong one was given.
create table access_code (
    donor text primary key,
    digest bytea not null,
    tries integer not null,
    expires_at timestamptz not null
);

-- What one member of staff asks for and another has to approve. `data` holds no personal values. Once somebody has begun to
-- approve (`decided_by`) nobody else may decide; `seq` is the entry that it became.
create table access_proposal (
    id text primary key,
    fact text not null,
    data jsonb not null,
    made_by text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    state text not null default 'waiting' check (state in ('waiting', 'approved', 'declined')),
    decided_by text,
    reason text,
    seq bigint
);
create index access_proposal_waiting on access_proposal (made_at) where state = 'waiting';
