-- A new code does not begin the count of tries anew: `tried` is how often codes of this donor were tried since
-- `tried_since`, whichever code it was.
alter table access_code
    add column tried integer not null default 0,
    add column tried_since timestamptz not null default '-infinity';
