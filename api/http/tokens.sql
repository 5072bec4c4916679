-- Tokens of machines. Secrets are never here, only their SHA-256 digests.

-- name: issue
-- A new token.
insert into access_token (id, name, digest, scopes, made_at, expires_at)
values (%(id)s, %(name)s, %(digest)s, %(scopes)s, %(now)s, %(expires_at)s)

-- name: find
-- The token of a digest, if it is good now.
select name, scopes from access_token
where digest = %(digest)s and expires_at > %(now)s and revoked_at is null

-- name: revoke
-- From now on it opens nothing. Gives a row when it is there and was good.
update access_token set revoked_at = %(now)s where id = %(id)s and revoked_at is null returning id

-- name: list
-- All tokens there ever were, the newest first.
select id, name, scopes, made_at, expires_at, revoked_at from access_token order by made_at desc, id
