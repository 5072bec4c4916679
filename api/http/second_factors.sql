-- Second factors of accounts. Secrets are sealed, of recovery codes there are digests alone.

-- name: begin
-- A secret that waits to be confirmed; it takes the place of one that waited before, not of the one in force.
insert into access_factor (account, pending, made_at) values (%(account)s, %(pending)s, %(now)s)
on conflict (account) do update set pending = excluded.pending, made_at = excluded.made_at

-- name: pending
-- What waits to be confirmed.
select pending from access_factor where account = %(account)s and pending is not null

-- name: confirm
-- What waited is in force. Gives a row if it is still that one.
update access_factor set secret = pending, pending = null, last_step = %(step)s, wrong = 0
where account = %(account)s and pending = %(pending)s returning account

-- name: stands
-- A row when the account has a second factor in force.
select from access_factor where account = %(account)s and secret is not null

-- name: try
-- One try is used up, whether right or wrong. Gives the secret while tries are left.
update access_factor set wrong = wrong + 1
where account = %(account)s and secret is not null and wrong < %(most)s returning secret, last_step

-- name: use
-- The code of this step is used, and none up to it is good any more. Gives a row when it was.
update access_factor set last_step = %(step)s, wrong = 0
where account = %(account)s and last_step < %(step)s returning account

-- name: recover
-- A recovery code is good once, and lets codes be tried again. Gives a row when it was.
with used as (
    delete from access_recovery where account = %(account)s and digest = %(digest)s returning account
)
update access_factor set wrong = 0 where account in (select account from used) returning account

-- name: forget_recovery
-- No recovery code is good any more.
delete from access_recovery where account = %(account)s

-- name: keep_recovery
-- Recovery codes that were just made.
insert into access_recovery (account, digest) select %(account)s, unnest(%(digests)s::bytea[])

-- name: reset
-- The account has no second factor. Gives a row when it had one, or one was pending.
delete from access_factor where account = %(account)s returning account
