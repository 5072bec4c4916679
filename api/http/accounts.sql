-- Accounts of staff and auditors, and who is signed in. No secret is kept as it is.

-- name: add
-- A new account. Gives no row when the name is taken.
insert into access_account (name, password, roles, issuer, made_at)
values (%(name)s, %(password)s, %(roles)s, %(issuer)s, %(now)s)
on conflict do nothing returning name

-- name: vouch
-- An identity provider's account with the roles that it gives now. Gives no row for a name that is not its own, or closed.
insert into access_account as account (name, password, roles, issuer, made_at)
values (%(name)s, %(password)s, %(roles)s, %(issuer)s, %(now)s)
on conflict (name) do update set roles = excluded.roles
where account.issuer = excluded.issuer and account.closed_at is null returning name

-- name: vouched
-- A row for an open account of an identity provider's.
select from access_account where name = %(name)s and issuer = %(issuer)s and closed_at is null

-- name: change
-- Another password or other roles; null leaves what is there. Gives a row when the account is open.
update access_account set password = coalesce(%(password)s::text, password), roles = coalesce(%(roles)s, roles)
where name = %(name)s and closed_at is null and (issuer is null or %(password)s::text is null) returning name

-- name: close
-- The account signs in no more. Gives a row when it was open.
update access_account set closed_at = %(now)s where name = %(name)s and closed_at is null returning name

-- name: password
-- The Argon2id hash of an open account's password.
select password from access_account where name = %(name)s and closed_at is null and issuer is null

-- name: roles
-- What an open account may.
select roles from access_account where name = %(name)s and closed_at is null

-- name: list
-- All accounts there ever were.
select name, roles, made_at, closed_at from access_account order by name

-- name: begin
-- Somebody signs in: an account, or a donor.
insert into access_session (digest, account, donor, made_at, expires_at)
values (%(digest)s, %(account)s, %(donor)s, %(now)s, %(expires_at)s)

-- name: who
-- Whose session this is, if it is good now; the roles are those that the account has now.
select session.donor, account.name, account.roles, session.expires_at
from access_session session left join access_account account on account.name = session.account
where session.digest = %(digest)s and session.expires_at > %(now)s and account.closed_at is null

-- name: end
-- The session is over.
delete from access_session where digest = %(digest)s

-- name: end_all
-- All of an account's sessions are over.
delete from access_session where account = %(name)s

-- name: forget
-- Sessions that have run out.
delete from access_session where expires_at <= %(now)s
