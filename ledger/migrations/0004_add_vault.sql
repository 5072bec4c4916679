-- The vault: personal values, outside the chain and encrypted. What is here opens only with keys that are not in the
-- database. Whether a person is erased or restricted stands in the entries (SubjectErased, SubjectRestricted), so that a
-- vault restored from a backup is put right by them.

-- One row: which keys are in use. New persons' keys are wrapped by `master`; while a rotation is under way, others are
-- still wrapped by the one before. `retired` are the master keys before this one.
create table vault_keys (
    only_row boolean primary key default true check (only_row),
    master text not null,
    index_key text not null,
    retired text[] not null default '{}'
);

-- The key of each person (or of a record that names none), wrapped by the master key whose id is `master`; none once it
-- is destroyed. `made_at` is the seq of the entry it was made for: a SubjectErased from there on destroys it.
create table vault_person (
    subject text primary key,
    master text not null,
    wrapped bytea,
    made_at bigint not null
);

-- Personal values with their salts, sealed under the person's key for this person, field and stream; none once erased.
-- Each belongs to the commitment of the same field in the entry `seq`. Without a foreign key to vault_person: it would
-- look a person up for each value, and one that has lost its key does not open whatever the database says.
create table vault_value (
    seq bigint not null,
    field text not null,
    subject text not null,
    sealed bytea,
    primary key (seq, field)
);
create index vault_value_subject on vault_value (subject);

-- Whose an outside id (a phone, a number of another system) is: found by a keyed hash of it, the id itself sealed.
create table vault_pseudonym (
    tag bytea primary key,
    subject text not null unique,
    sealed bytea not null
);

-- Who read which personal values, when and why. Only grows.
create table vault_access (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    by text not null,
    what text not null,
    stream text,
    subjects text[] not null,
    fields text[] not null,
    reason text not null,
    restricted_reason text
);
create index vault_access_stream on vault_access (stream);

create function refuse_change_of_access() returns trigger language plpgsql as $$
begin
    raise exception 'the log of accesses is never changed: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger access_is_append_only before update or delete on vault_access
for each row execute function refuse_change_of_access();
create trigger access_is_not_truncated before truncate on vault_access
for each statement execute function refuse_change_of_access();

-- All erasures there are, for a vault that opens.
create index entry_erasure on entry (stream, seq) where type = 'SubjectErased';
