-- Accounts, money received that nobody knows yet, and what became of statements' lines: the write side's state, in step
-- with the entries. Nothing of it is deleted: what stands no more names the entry that undid it.

create table account (
    id text primary key,
    kind text not null check (kind in ('bank', 'channel', 'cash')),
    seq bigint not null unique references entry
);

-- Suspended receipts, what of each is still owed; both are 0 of one that was reversed.
create table suspense (
    id text primary key,
    amount_minor bigint not null,
    left_minor bigint not null check (left_minor between 0 and amount_minor)
);

-- Parts of lines that were matched, written off or disputed by entry `seq`; `undone` by that entry.
create table line_part (
    match text not null,
    kind text not null check (kind in ('matched', 'written_off', 'disputed')),
    file bytea not null check (length(file) = 32),
    statement int not null,
    ordinal int not null,
    account text not null,
    booked_on date not null,
    amount_minor bigint not null check (amount_minor <> 0),
    seq bigint not null references entry,
    undone bigint references entry,
    primary key (match, file, statement, ordinal)
);
create index line_part_line on line_part (file, statement, ordinal);

-- Parts of entries' cash legs that were matched.
create table leg_part (
    match text not null,
    entry bigint not null references entry,
    leg int not null,
    account text not null,
    amount_minor bigint not null check (amount_minor <> 0),
    undone bigint references entry,
    primary key (match, entry, leg)
);
create index leg_part_entry on leg_part (entry);
