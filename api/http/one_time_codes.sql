-- Donors' one-time codes. No secret is kept as it is.

-- name: forget
-- Codes that have run out, and tries of a day that is over.
with over as (delete from access_tried where since <= %(day_ago)s)
delete from access_code where expires_at <= %(now)s

-- name: send
-- A code is under way to a donor, for the browser that asked.
insert into access_code (asked, donor, digest, expires_at) values (%(asked)s, %(donor)s, %(digest)s, %(expires_at)s)

-- name: try
-- One try of this browser's code is used up, whether right or wrong. Gives the digest while it is good and tries are left.
update access_code set tries = tries + 1
where asked = %(asked)s and donor = %(donor)s and expires_at > %(now)s and tries < %(tries)s
returning digest

-- name: is_tried
-- A row when short codes of this donor were tried as often as they may be in a day.
select from access_tried where donor = %(donor)s and tries >= %(in_all)s and since > %(day_ago)s

-- name: count
-- One try of a day is used up. Gives a row while there was one.
insert into access_tried as told (donor, tries, since) values (%(donor)s, 1, %(now)s)
on conflict (donor) do update set
    tries = case when told.since > %(day_ago)s then told.tries + 1 else 1 end,
    since = case when told.since > %(day_ago)s then told.since else excluded.since end
where told.tries < %(in_all)s or told.since <= %(day_ago)s returning donor

-- name: uncount
-- The try was right: it was no stranger's.
update access_tried set tries = tries - 1 where donor = %(donor)s and tries > 0

-- name: use
-- A code is good once. Gives a row for who comes first.
delete from access_code where asked = %(asked)s and digest = %(digest)s returning donor
