-- The vault's statements. Lists of subjects come as one text with the unit separator, chr(31), between them.

-- name: keys_in_use
-- The master key that new persons' keys are wrapped by, and the index key of outside ids.
select master, index_key from vault_keys

-- name: use_keys
-- The vault's first keys.
insert into vault_keys (master, index_key) values (%s, %s)

-- name: use_master
-- From now on new persons' keys are wrapped by this one.
update vault_keys set master = %s, retired = array_append(retired, master)

-- name: retired
-- The master keys that were in use before.
select unnest(retired) from vault_keys

-- name: persons
-- These persons' keys, each with the newest entry that erased the person.
select subject, master, wrapped, made_at,
    (select max(seq) from entry where entry.stream = subject and type = 'SubjectErased') as erased_at
from vault_person where subject = any(string_to_array(%s, chr(31)))

-- name: person
-- One subject, whether or not the vault knows it: its key, and the newest entry that erased it.
select master, wrapped, made_at, (select max(seq) from entry where stream = wanted.subject and type = 'SubjectErased')
from (values (%s)) wanted (subject) left join vault_person using (subject)

-- name: copy_persons
-- Keys of new persons.
copy vault_person (subject, master, wrapped, made_at) from stdin

-- name: renew_persons
-- Keys of persons who were erased and gave something anew.
update vault_person set master = new.master, wrapped = new.wrapped, made_at = new.made_at
from unnest(%s::text[], %s::text[], %s::bytea[], %s::bigint[]) new (subject, master, wrapped, made_at)
where vault_person.subject = new.subject

-- name: copy_values
-- Sealed values of new entries.
copy vault_value (seq, field, subject, sealed) from stdin

-- name: copy_pseudonyms
-- New outside ids.
copy vault_pseudonym (tag, subject, sealed) from stdin

-- name: destroy_keys
-- These persons' keys.
update vault_person set wrapped = null where subject = any(string_to_array(%s, chr(31)))

-- name: destroy_values
-- What these persons' keys opened.
update vault_value set sealed = null where subject = any(string_to_array(%s, chr(31))) and sealed is not null

-- name: destroy_pseudonyms
-- The outside ids of these persons.
delete from vault_pseudonym where subject = any(string_to_array(%s, chr(31)))

-- name: replay_pseudonyms
-- Outside ids of persons whom an entry erased, there again since a backup was restored. Before the keys: it reads them.
-- Here and below the erased, who are few, are looked for among all others by index, whatever the planner thinks of both.
delete from vault_pseudonym using vault_person
where vault_person.subject = vault_pseudonym.subject
  and vault_person.subject = any(array(select stream from entry where type = 'SubjectErased'))
  and made_at <= (select max(seq) from entry where stream = vault_person.subject and type = 'SubjectErased')

-- name: replay_values
-- Values that an entry erased, there again since a backup was restored.
update vault_value set sealed = null
where sealed is not null and subject = any(array(select stream from entry where type = 'SubjectErased'))
  and vault_value.seq <= (select max(entry.seq) from entry where stream = subject and type = 'SubjectErased')

-- name: replay_keys
-- Keys of persons whom an entry erased, there again since a backup was restored.
update vault_person set wrapped = null
where wrapped is not null and subject = any(array(select stream from entry where type = 'SubjectErased'))
  and made_at <= (select max(seq) from entry where stream = subject and type = 'SubjectErased')

-- name: subjects_by_tag
-- Whose these tags are; not what an entry has erased.
select tag, subject from vault_pseudonym join vault_person using (subject)
where tag = any(%s) and not exists (
    select from entry where entry.stream = subject and type = 'SubjectErased' and seq >= made_at
)

-- name: pseudonym
-- The outside id of this subject, sealed.
select sealed from vault_pseudonym where subject = %s

-- name: stream
-- The entries of one stream.
select seq, body from entry where stream = %s order by version

-- name: values
-- What is sealed of these entries.
select seq, field, subject, sealed from vault_value where seq = any(%s)

-- name: newest_streams
-- For each of these subjects the record that last gave this field, unless it was destroyed.
select distinct on (subject) subject, entry.stream from vault_value join entry using (seq)
where subject = any(%s) and field = %s and sealed is not null order by subject, seq desc

-- name: newest_values
-- Of each of these subjects what was last sealed of this field: its entry and record, and what the entry commits to.
select distinct on (subject) subject, entry.seq, entry.stream, sealed,
    convert_from(body, 'UTF8')::jsonb #>> array['data', 'commitments', field]
from vault_value join entry using (seq)
where subject = any(%s) and field = %s and sealed is not null order by subject, entry.seq desc

-- name: restriction
-- The newest entry that restricted this subject, if it came no earlier than the key.
select seq, body from entry join vault_person on subject = stream
where stream = %s and type = 'SubjectRestricted' and seq >= made_at order by version desc limit 1

-- name: log_access
-- Who reads what, and why.
insert into vault_access (at, by, what, stream, subjects, fields, reason, restricted_reason)
values (%s, %s, %s, %s, %s, %s, %s, %s)

-- name: accesses
-- The log of accesses, newest first: to one stream or all.
select at, by, what, stream, subjects, fields, reason, restricted_reason from vault_access
where %(stream)s::text is null or stream = %(stream)s or %(stream)s = any(subjects) order by id desc limit %(limit)s

-- name: old_wrappings
-- Keys of persons that another than this master key wraps, behind a subject, locked against an erasure meanwhile.
select subject, master, wrapped from vault_person
where subject > %s and master <> %s and wrapped is not null order by subject limit %s for update

-- name: rewrap
-- Keys wrapped anew.
update vault_person set master = %s, wrapped = new.wrapped
from unnest(%s::text[], %s::bytea[]) new (subject, wrapped) where vault_person.subject = new.subject

-- name: wrappings
-- How many persons' keys each master key wraps.
select master, count(*) from vault_person where wrapped is not null group by master order by master

-- name: sample
-- One wrapped key of each master key.
select distinct on (master) subject, master, wrapped from vault_person where wrapped is not null order by master, subject

-- name: restricted_now
-- Subjects that are restricted and not erased, with the entry that says until when.
select subject, body from vault_person join lateral (
    select seq, body from entry where stream = subject and type = 'SubjectRestricted' order by version desc limit 1
) restricted on true
where wrapped is not null and restricted.seq >= made_at order by subject

-- name: related
-- Records of a subject's own, its gifts or cases, that hold personal values under their own name: recorded before it was
-- known whose they are, or ids of the outside world. The parameters are those of last_day.
select subject from vault_person
where wrapped is not null and subject <> %(noun)s || '/' || %(id)s and subject in (
    select %(member)s || '/' || (data ->> %(member)s) from (
        select convert_from(body, 'UTF8')::jsonb -> 'data' as data from entry
        where position(convert_to(%(quoted)s, 'UTF8') in body) > 0
    ) named
    where data ->> %(noun)s = %(id)s or data -> 'attributes' ->> %(noun)s = %(id)s
)
order by subject

-- name: last_day
-- The last business day of what is recorded about a subject: entries that name it, those about its gifts (for a donor) or
-- cases (for others), and whatever stands on the same streams, such as their reversals. `quoted` is its id as JSON, for a
-- first look without parsing; `member` the noun of its records.
with named as (
    select stream, convert_from(body, 'UTF8')::jsonb -> 'data' as data from entry
    where position(convert_to(%(quoted)s, 'UTF8') in body) > 0
),
own as (
    select distinct data ->> %(member)s as id from named
    where data ->> %(noun)s = %(id)s or data -> 'attributes' ->> %(noun)s = %(id)s
),
about as (
    select stream from named where data ->> %(noun)s = %(id)s or data -> 'attributes' ->> %(noun)s = %(id)s
    union
    select stream from (
        select stream, convert_from(body, 'UTF8')::jsonb -> 'data' as data from entry
        where type not in ('DonationReceived', 'CodeDefined', 'TapeOpened', 'FundOpened')
    ) other
    where data ->> %(member)s in (select id from own)
       or exists (
            select from jsonb_array_elements(data -> 'lines') line where line ->> %(member)s in (select id from own)
        )
)
select max((convert_from(body, 'UTF8')::jsonb -> 'data' ->> 'on')::date) from entry
where stream in (select stream from about)
