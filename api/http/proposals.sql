-- What one member of staff asks for and another approves.

-- name: make
-- A new proposal. Gives no row when it was made before.
insert into access_proposal (id, fact, data, made_by, made_at, expires_at)
values (%(id)s, %(fact)s, %(data)s, %(by)s, %(now)s, %(expires_at)s)
on conflict do nothing returning id

-- name: get
-- One proposal.
select id, fact, data, made_by, made_at, expires_at, state, decided_by, reason, seq
from access_proposal where id = %(id)s

-- name: list
-- Those that wait, the oldest first.
select id, fact, data, made_by, made_at, expires_at, state, decided_by, reason, seq
from access_proposal where state = 'waiting' and expires_at > %(now)s order by made_at, id limit 500

-- name: begin
-- Somebody else than its maker begins to approve; nobody else may decide from then on. Gives a row when they may.
update access_proposal set decided_by = %(by)s
where id = %(id)s and state = 'waiting' and expires_at > %(now)s and made_by <> %(by)s
  and (decided_by is null or decided_by = %(by)s)
returning id

-- name: release
-- What was begun was refused by a rule: anybody may decide again.
update access_proposal set decided_by = null where id = %(id)s and state = 'waiting'

-- name: approve
-- It has become an entry.
update access_proposal set state = 'approved', seq = %(seq)s where id = %(id)s

-- name: decline
-- It will not be. Its maker may withdraw it so. Gives a row when it waited.
update access_proposal set state = 'declined', decided_by = %(by)s, reason = %(reason)s
where id = %(id)s and state = 'waiting' and decided_by is null and expires_at > %(now)s returning id
