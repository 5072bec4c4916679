-- A one-time code is good for the browser that asked for it, so that nobody else can use up its tries: `asked` is the
-- digest of what that browser was given. Codes that are under way (for ten minutes at most) are asked for anew.
drop table access_code;

create table access_code (
    asked bytea primary key,
    donor text not null,
    digest bytea not null,
    tries integer not null default 0,
    expires_at timestamptz not null
);
create index access_code_expiry on access_code (expires_at);

-- How often short codes of a donor were tried in vain since `since`, whoever tried and whichever code it was.
create table access_tried (
    donor text primary key,
    tries integer not null,
    since timestamptz not null
);
