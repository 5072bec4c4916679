-- The vocabulary beside the dictionary: synonyms that were accepted, unknown terms that wait for review.

-- name: synonyms
-- Terms with the codes that they are read as; what is a code itself is read as that.
select dimension, term, synonym.code from synonym
where not exists (select from code where code.dimension = synonym.dimension and code.code = synonym.term)
order by dimension, term

-- name: accept
-- From now on these terms are read as these codes; they no longer wait.
with accepted as (
    insert into synonym (dimension, term, code, accepted_by)
    select dimension, term, code, %(by)s::text
    from unnest(%(dimensions)s::text[], %(terms)s::text[], %(codes)s::text[]) new (dimension, term, code)
    on conflict (dimension, term) do update
    set code = excluded.code, accepted_by = excluded.accepted_by, accepted_at = now()
    where synonym.code <> excluded.code
)
delete from unknown_term using unnest(%(dimensions)s::text[], %(terms)s::text[]) new (dimension, term)
where unknown_term.dimension = new.dimension and unknown_term.term = new.term

-- name: put_up
-- These terms were met once more, each so many times, in files of these kinds.
insert into unknown_term (dimension, term, seen, kind)
select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::text[])
on conflict (dimension, term) do update
set seen = unknown_term.seen + excluded.seen, kind = excluded.kind, last_at = now()

-- name: waiting
-- The terms that wait, of one dimension or of all, the most frequent first; none that has become a code meanwhile.
select dimension, term, seen, kind, first_at, last_at from unknown_term
where (%(dimension)s::text is null or dimension = %(dimension)s)
  and not exists (select from code where code.dimension = unknown_term.dimension and code.code = unknown_term.term)
order by dimension, seen desc, term

-- name: dismiss
-- The term waits no more, and is no synonym any more.
with gone as (delete from synonym where dimension = %(dimension)s and term = %(term)s returning term)
delete from unknown_term where dimension = %(dimension)s and term = %(term)s
