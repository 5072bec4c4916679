-- What giving back, closing and reversing ask of the past, kept in step with the entries in their transaction.

-- The last day on which money came to the case, whatever became of it: the case is never closed as of an earlier one.
alter table case_file add reached date;

-- Every range that an entry moved, by tape: whether a later entry moved what an entry to be reversed had moved.
create table movement (
    tape integer not null references tape,
    seq bigint not null,
    lo bigint not null,
    hi bigint not null,
    primary key (tape, seq, lo),
    check (0 <= lo and lo < hi)
);

-- Entries that were reversed, with the entry that did it: neither of the two stands.
create table reversal (
    reverses bigint primary key references entry,
    seq bigint not null unique references entry
);

-- Opening balances whose id serves as an allocation's or a payment's.
create table opening (
    seq bigint primary key references entry,
    noun text not null,
    id text not null,
    unique (noun, id)
);
