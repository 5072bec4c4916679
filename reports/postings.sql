-- What is posted: entries that moved money, in the order of their days. Days are the views', and held against the entries'
-- own; `offset 0` keeps the planner to reading bodies by seq.

-- name: tapes
-- Tapes: number, fund, terms.
select number, fund, terms from view_tape where seq < %(size)s order by number

-- name: entries
-- Entries below seq %(size)s posted by %(until)s, by day and seq; of a reversal what it reverses.
select posted.seq, posted.posted_on, entry.type, entry.body, original.type, original.body
from (
    select seq, posted_on from view_gift where seq < %(size)s and posted_on <= %(until)s
    union
    select seq, posted_on from view_movement where seq < %(size)s and posted_on <= %(until)s
    order by posted_on, seq offset 0
) posted
cross join lateral (select type, body from entry where entry.seq = posted.seq offset 0) entry
left join lateral (
    select first.type, first.body from reversal join entry first on first.seq = reverses
    where reversal.seq = posted.seq offset 0
) original on true
order by posted.posted_on, posted.seq

-- name: counted
-- How many those are, and the seq below which the views know all.
select (select count(distinct seq) from (
    select seq from view_gift where seq < %(size)s union all select seq from view_movement where seq < %(size)s) each),
    (select coalesce(max(notification_id), 0) from view_tracking where application_name = 'journal')
