-- The vocabulary: how a foundation's own files word what the dictionary has codes for. No fact about money and in no
-- entry: what is recorded holds the code, however a file had worded it.

-- Terms that are read as a code, by whoever accepted them. A term that is a code itself is read as that code.
create table synonym (
    dimension text not null,
    term text not null check (length(term) between 1 and 60),
    code text not null,
    accepted_by text,
    accepted_at timestamptz not null default now(),
    primary key (dimension, term),
    foreign key (dimension, code) references code (dimension, code)
);

-- Terms that no code and no synonym covers, met in files and waiting for review; a longer one is cut and ends in "…".
-- `seen` counts rows, `kind` is the kind of file it was last met in.
create table unknown_term (
    dimension text not null,
    term text not null check (length(term) between 1 and 61),
    seen bigint not null check (seen > 0),
    kind text not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (dimension, term)
);
