-- What the log reads of the journal.

-- name: bodies
-- The bytes of the entries from .. to (exclusive), in order.
select seq, body from entry where seq >= %s and seq < %s order by seq
