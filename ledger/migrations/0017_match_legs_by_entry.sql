-- A part of a cash leg names its match by the match's entry: half as wide as the match's id, and new rows come behind all
-- others in one index, near those of the same days in the other.
alter table leg_part add column seq bigint;
update leg_part set seq = (select min(line.seq) from line_part line where line.match = leg_part.match);
alter table leg_part
    alter column seq set not null,
    drop constraint leg_part_pkey,
    drop column match,
    add primary key (entry, leg, seq);
drop index leg_part_entry;
create index leg_part_seq on leg_part (seq);
