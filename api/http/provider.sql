-- Sign-ins by an identity provider that are under way.

-- name: begin
-- One is under way.
insert into access_start (digest, expires_at) values (%(digest)s, %(expires_at)s)

-- name: end
-- It is ended, once. Gives a row when it was under way.
delete from access_start where digest = %(digest)s and expires_at > %(now)s returning digest

-- name: forget
-- What was never ended.
delete from access_start where expires_at <= %(now)s
