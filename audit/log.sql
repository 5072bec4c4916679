-- What the log reads of the journal.

-- name: bodies
-- The bytes of the entries from .. to (exclusive), in order.
select seq, body from entry where seq >= %s and seq < %s order by seq

-- name: keys
-- The entries that name the log's keys, oldest first.
select seq, body from entry where stream = 'ledger/main' and type in ('LedgerOpened', 'KeyRotated') order by version

-- name: bodies_of
-- The bytes of these entries.
select seq, body from entry where seq = any(%s)
