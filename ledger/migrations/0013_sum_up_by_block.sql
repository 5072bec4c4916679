-- Days' sums are kept apart by the block of entries that changed them (fold.BLOCK_ENTRIES), months' are not (block 0): what
-- was known at some time is then a sum of whole blocks, and of the entries of the one that it is in.
truncate view_tape, view_gift, view_attribution, view_place, view_movement, view_tracking, view_failure,
    view_standing, view_donor, view_leader, view_donor_place, view_period;
update view_giving set donors = 0, floor = 1;

alter table view_period add column block bigint not null;
alter table view_period drop constraint view_period_pkey;
alter table view_period add primary key (grain, since, fund, figure, block);

-- Gifts lie in the order of their entries, so a few bounds find those of a block.
create index view_gift_seq on view_gift using brin (seq) with (pages_per_range = 16, autosummarize = on);
