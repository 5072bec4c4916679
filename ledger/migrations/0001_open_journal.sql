-- The journal (what happened, never changed) and the write side's state (what it comes to, kept in step with it in the
-- same transaction). Names are unqualified: the migration runs with the ledger's schema first in the search path.

-- One row: whose ledger this is and where its chain ends. Locked FOR UPDATE by whoever writes: the ledger's write lock.
-- `leaf` of the empty ledger is SHA-256 of nothing, the `prev` of entry 0.
create table head (
    only_row boolean primary key default true check (only_row),
    origin text,
    currency text,
    exponent smallint,
    zone text,
    size bigint not null default 0 check (size >= 0),
    leaf bytea not null default '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    at timestamptz not null default '0001-01-01 00:00:00Z'
);
insert into head default values;

-- The entries: `body` holds the exact bytes that were hashed, `leaf` their RFC 6962 leaf hash.
create table entry (
    seq bigint primary key check (seq >= 0),
    stream text not null,
    version integer not null check (version >= 0),
    type text not null,
    leaf bytea not null check (length(leaf) = 32),
    body bytea not null check (length(body) <= 65535),
    unique (stream, version)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'entries are never changed or removed: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger entry_is_append_only before update or delete on entry for each row execute function refuse_change();
create trigger entry_is_not_truncated before truncate on entry for each statement execute function refuse_change();

-- Idempotency keys, kept for good: the digest of the command's content and the entry that it became.
create table command_key (
    key text primary key,
    digest bytea not null,
    seq bigint not null
);

-- Business keys in force (one gift, one payment of the outside world each), with the entry that holds them.
create table business_key (
    key text primary key,
    seq bigint not null
);

-- Hospital bills: what they are for and what stands paid on them, in minor units.
create table bill (
    hospital text,
    bill_no text,
    case_id text,
    limit_minor bigint not null,
    paid_minor bigint not null check (paid_minor between 0 and limit_minor),
    primary key (hospital, bill_no, case_id)
);

create table fund (
    id text primary key,
    fee_bp integer not null check (fee_bp between 0 and 10000)
);

-- Cases as they stand. `attributes` maps each dimension to its one code.
create table case_file (
    id text primary key,
    fund text not null references fund,
    attributes jsonb not null,
    household text,
    purpose text,
    is_open boolean not null default true
);
create index case_file_person on case_file ((attributes ->> 'person')) where is_open;
create index case_file_household on case_file (household) where is_open;

-- The dictionary; `seq` is the entry that defined the code.
create table code (
    seq bigint primary key,
    dimension text not null,
    code text not null,
    parent text,
    unique (dimension, code)
);

-- Tapes in the order in which they opened, by the entry `seq`; `key` is the text that tells terms apart.
create table tape (
    number integer primary key check (number > 0),
    fund text not null references fund,
    seq bigint not null unique references entry,
    key text not null,
    ends_at bigint not null default 0 check (ends_at between 0 and 9007199254740991),
    ends_row bigint generated always as (nullif(ends_at, 0)) stored,
    unique (fund, key)
);

-- Where each serial is. Rows of a tape are a chain: each but the first hangs on the one that ends where it begins, so
-- overlap and gap are refused by the database itself, without an exclusion index. Places compare byte by byte, so that
-- those below a fund's are a range of the index whatever the database's locale.
create table holding (
    tape integer not null references tape,
    lo bigint not null,
    hi bigint not null,
    place text collate "C" not null,
    home text collate "C" not null,
    since date not null,
    prev_hi bigint generated always as (nullif(lo, 0)) stored,
    primary key (tape, lo),
    unique (tape, hi),
    check (0 <= lo and lo < hi),
    foreign key (tape, prev_hi) references holding (tape, hi) deferrable initially deferred
);
create index holding_place on holding (place);
alter table tape add foreign key (number, ends_row) references holding (tape, hi) deferrable initially deferred;
