-- Since when all that is left of a suspended receipt is there: its own day, or the newest on which some of it came back.
-- Nothing is taken of it on an earlier day, so that what is owed is never less than nothing, as of any day.
alter table suspense add column since date;
update suspense set since = coalesce((
    select max((convert_from(entry.body, 'UTF8')::jsonb #>> '{data,on}')::date)
    from entry
    left join reversal using (seq)
    left join entry made on made.seq = reverses
    where entry.stream = 'suspense/' || id and entry.type = 'ReceiptSuspended'
        or made.type <> 'ReceiptSuspended' and convert_from(made.body, 'UTF8')::jsonb #>> '{data,suspense}' = id
), '0001-01-01');
alter table suspense alter column since set not null;
