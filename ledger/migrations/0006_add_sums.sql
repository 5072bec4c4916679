-- Sums that the views keep beside their rows, so that what is asked of everything, of a day or of a donor with very many
-- gifts is answered from few rows. All of them follow from the other views; only the same amount moved there and back
-- within a page may leave, or not, a row of 0.

-- What stands where, by whose money it is: `whose` is 'all', or the part of it that came with no donor known: 'unknown',
-- and 'opening' for balances brought forward. `hospital` is '' for none. `first` and `last` bound the entries of the gifts
-- that ever stood there.
create table view_standing (
    whose text not null,
    fund text not null,
    kind text not null,
    hospital text not null,
    amount bigint not null,
    first bigint not null,
    last bigint not null,
    primary key (whose, fund, kind, hospital)
) with (fillfactor = 50);

-- Every donor known: how many ranges they gave, and how much of that is not void. `many` marks those whose places are kept
-- in view_donor_place. Amounts are in no index, so that a row changes in its own page; `empty` makes none countable.
create table view_donor (
    donor text primary key,
    ranges bigint not null,
    given bigint not null,
    many boolean not null default false,
    empty boolean not null generated always as (given = 0) stored
) with (fillfactor = 60);
create index view_donor_many on view_donor (donor) where many;
create index view_donor_empty on view_donor (donor) where empty;

-- Those who gave most: all who gave at least view_giving's `floor`, the largest power of four that 201 donors reach, or 1.
create table view_leader (
    donor text primary key,
    given bigint not null
);
create index view_leader_given on view_leader (given desc, donor);

-- One row: how many donors view_donor has, and the floor of view_leader.
create table view_giving (
    only_row boolean primary key default true check (only_row),
    donors bigint not null default 0,
    floor bigint not null default 1
);
insert into view_giving default values;

-- Where the money is of donors with very many gifts.
create table view_donor_place (
    donor text not null,
    fund text not null,
    place text not null,
    kind text not null,
    hospital text not null,
    amount bigint not null,
    primary key (donor, fund, place)
) with (fillfactor = 60);

-- What each day, and each month by its first day, changed in a fund's figures: what was issued and brought forward, came
-- and went in transfers, and what stands there, by kind of place.
create table view_period (
    grain text not null check (grain in ('day', 'month')),
    since date not null,
    fund text not null,
    figure text not null,
    amount bigint not null,
    primary key (grain, since, fund, figure)
) with (fillfactor = 60);

-- A donor's gifts in their order.
drop index view_gift_donor;
create index view_gift_donor on view_gift (donor, seq) where donor is not null;

-- Ledgers that have views already fold them anew, sums and all, the next time that anybody asks.
truncate view_tape, view_gift, view_attribution, view_place, view_movement, view_tracking, view_failure;
