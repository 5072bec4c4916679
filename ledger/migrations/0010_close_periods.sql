-- Periods that were closed, up to and with the day `through`, by entry `seq`; `reopened` by that entry.
create table period_close (
    seq bigint primary key references entry,
    period text not null,
    through date not null,
    reopened bigint references entry
);
