-- Months' sums are kept apart by so many blocks of entries (fold.BLOCKS_TOGETHER): what was known at some time is then months
-- of those and days of the few blocks behind them, and not all days there are. Ledgers fold their views anew.
truncate view_tape, view_gift, view_attribution, view_place, view_movement, view_tracking, view_failure,
    view_standing, view_donor, view_leader, view_donor_place, view_period;
update view_giving set donors = 0, floor = 1;

create index view_period_block on view_period (block) where grain = 'day';
