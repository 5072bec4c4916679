-- More of who may use the service: second factors, accounts of an identity provider's, values shown to auditors.

-- An account's second factor, RFC 6238. Secrets are sealed with a key that is not in the database. `pending` is one that its
-- holder has not shown yet that they have; `secret` is asked for at each sign-in. No code of a step up to `last_step` is good any
-- more, and none at all after too many wrong ones in a row.
create table access_factor (
    account text primary key references access_account (name),
    pending bytea,
    secret bytea,
    last_step bigint not null default 0,
    wrong integer not null default 0,
    made_at timestamptz not null
);

-- What signs in once each when the second factor is lost: SHA-256 digests of 80 random bits.
create table access_recovery (
    account text not null references access_account (name),
    digest bytea not null,
    primary key (account, digest)
);

-- Whose identity provider vouches for the account: its issuer, and there is no password. None: the password does.
alter table access_account add column issuer text;

-- Sign-ins by an identity provider that have begun, each to be ended once by the browser that began it.
create table access_start (
    digest bytea primary key,
    expires_at timestamptz not null
);
create index access_start_expiry on access_start (expires_at);

-- What staff have shown to an auditor: the named values of one stream, until when, and why. Kept for good.
create table access_showing (
    id text primary key,
    auditor text not null references access_account (name),
    stream text not null,
    fields text[] not null,
    reason text not null,
    made_by text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_by text
);
create index access_showing_auditor on access_showing (auditor, stream);
