-- Entries as an auditor looks through them.

-- name: newest
-- Entries below a seq, of one stream and one type or of all, newest first.
select seq, body from entry
where seq < least(%(before)s, (select size from head)) and (%(stream)s::text is null or stream = %(stream)s)
  and (%(type)s::text is null or type = %(type)s)
order by seq desc limit %(limit)s

-- name: around
-- An entry with those before and behind it: seq, type, stream, leaf hash, bytes.
select seq, type, stream, leaf, body from entry
where seq between %(seq)s - 1 and %(seq)s + 1 and seq < (select size from head) order by seq

-- name: reversed_by
-- The entry that reversed this one.
select seq from reversal where reverses = %(seq)s

-- name: types
-- Which facts there are.
select distinct type from entry order by type
