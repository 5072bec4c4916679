-- Personal values shown to auditors: which, until when, by whom and why. No value is here.

-- name: make
-- Some values of one stream, for one auditor.
insert into access_showing (id, auditor, stream, fields, reason, made_by, made_at, expires_at)
values (%(id)s, %(auditor)s, %(stream)s, %(fields)s, %(reason)s, %(by)s, %(now)s, %(expires_at)s)

-- name: list
-- The newest of all, or of one auditor's.
select id, auditor, stream, fields, reason, made_by, made_at, expires_at, ended_at, ended_by from access_showing
where %(auditor)s::text is null or auditor = %(auditor)s order by made_at desc, id limit 1000

-- name: stream
-- Whose stream a showing is of.
select stream from access_showing where id = %(id)s

-- name: end
-- It is over. Gives a row when it was not already.
update access_showing set ended_at = %(now)s, ended_by = %(by)s
where id = %(id)s and ended_at is null and expires_at > %(now)s returning id

-- name: shown
-- What an auditor may read of a stream now.
select distinct unnest(fields) from access_showing
where auditor = %(auditor)s and stream = %(stream)s and expires_at > %(now)s and ended_at is null
