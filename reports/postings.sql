-- What is posted: entries that moved money or suspended it, and matches that say that it arrived on another account, in the
-- order of their days. Days of money are the views', and held against the entries' own; `offset 0` keeps the planner to
-- reading bodies by seq.

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
    union
    select seq, told.posted_on from entry
    cross join lateral (select (convert_from(body, 'UTF8')::jsonb #>> '{data,on}')::date as posted_on) told
    where stream >= 'suspense/' and stream < 'suspense0' and seq < %(size)s and told.posted_on <= %(until)s
    union
    select seq, told.posted_on from entry
    cross join lateral (select convert_from(body, 'UTF8')::jsonb -> 'data' as data offset 0) read
    cross join lateral (
        select max((line ->> 'on')::date) as posted_on, array_agg(distinct line ->> 'account') as accounts
        from jsonb_array_elements(data -> 'lines') line
    ) told
    where type = 'LinesMatched' and stream >= 'match/' and stream < 'match0' and seq < %(size)s
      and told.posted_on <= %(until)s
      and (cardinality(accounts) > 1 or exists (
          select from jsonb_array_elements(data -> 'legs') leg where leg ->> 'account' <> accounts[1]))
      and not exists (
          select from entry undone
          where undone.stream = entry.stream and undone.type = 'LinesUnmatched' and undone.seq < %(size)s)
    order by posted_on, seq offset 0
) posted
cross join lateral (select type, body from entry where entry.seq = posted.seq offset 0) entry
left join lateral (
    select first.type, first.body from reversal join entry first on first.seq = reverses
    where reversal.seq = posted.seq offset 0
) original on true
order by posted.posted_on, posted.seq

-- name: accounts
-- Accounts that were opened, and of what kind.
select id, kind from account where seq < %(size)s
