-- The views: what the entries come to, for those who read. All of it follows from the entries and can be folded anew at
-- any time; the row of view_tracking commits together with what it speaks of.

-- Tapes as the entry `seq` opened them; `terms` are the members of TapeOpened that bind the money.
create table view_tape (
    number integer primary key,
    fund text not null,
    terms jsonb not null,
    seq bigint not null
);
create index view_tape_fund on view_tape (fund);

-- Issued ranges, each with its gift. The ranges of a tape follow one another from 0 without gap or overlap, so the ones
-- that meet [lo, hi) are found by the primary key: from the last that begins at or before lo, to the last below hi.
-- `donor` is the one known now; `hospital` and `case_id` are the target's; `opening` marks balances brought forward.
create table view_gift (
    tape integer not null,
    lo bigint not null,
    hi bigint not null,
    donation text,
    donor text,
    fund text not null,
    target text not null,
    hospital text,
    case_id text,
    opening boolean not null,
    posted_on date not null,
    seq bigint not null,
    primary key (tape, lo)
);
create index view_gift_donation on view_gift (donation);
create index view_gift_donor on view_gift (donor) where donor is not null;
create index view_gift_hospital on view_gift (hospital) where hospital is not null;
create index view_gift_case on view_gift (case_id) where case_id is not null;
create index view_gift_opening on view_gift (fund) where opening;

-- Whose a gift that came without a donor was said to be, by the entry `seq`; null when it took that back.
create table view_attribution (
    seq bigint primary key,
    donation text not null,
    donor text
);
create index view_attribution_donation on view_attribution (donation, seq);
create index view_attribution_donor on view_attribution (donor) where donor is not null;

-- Where each serial is: the same rows as the write side's, without gap or overlap on a tape. `kind`, `hospital` and
-- `case_id` are the place's; `fund` is that of the place at fund and fee places and that of the home elsewhere.
create table view_place (
    tape integer not null,
    lo bigint not null,
    hi bigint not null,
    place text not null,
    home text not null,
    since date not null,
    kind text not null,
    fund text not null,
    hospital text,
    case_id text,
    primary key (tape, lo)
);
create index view_place_fund on view_place (fund, kind);
create index view_place_hospital on view_place (hospital, case_id) where hospital is not null;
create index view_place_case on view_place (case_id) where case_id is not null;
create index view_place_void on view_place (tape) where kind = 'void';

-- Every move ever made, with both ends taken apart, and apart where the money of two funds goes together. `source_fund`
-- and `target_fund` are whose money it is before and after: the fund of the place at fund and fee places, of the home
-- elsewhere, and the tape's own for what is void. What moved given serials is found by tape and range at once, as boxes in a
-- plane (serials are below 2^53, so exact as floats too): on ranges alone every tape has some.
create table view_movement (
    seq bigint not null,
    posted_on date not null,
    tape integer not null,
    lo bigint not null,
    hi bigint not null,
    type text not null,
    source text not null,
    source_kind text not null,
    source_fund text not null,
    source_hospital text,
    source_case text,
    target text not null,
    target_kind text not null,
    target_fund text not null,
    target_hospital text,
    target_case text,
    primary key (seq, tape, lo)
);
create index view_movement_range on view_movement using gist (box(point(tape, lo), point(tape, hi - 1)));
create index view_movement_source_case on view_movement (source_case, seq) where source_case is not null;
create index view_movement_target_case on view_movement (target_case, seq) where target_case is not null;
create index view_movement_source_hospital on view_movement (source_hospital) where source_hospital is not null;
create index view_movement_target_hospital on view_movement (target_hospital) where target_hospital is not null;
create index view_movement_source_fund on view_movement (source_fund);
create index view_movement_target_fund on view_movement (target_fund);
create index view_movement_transfer on view_movement (seq) where source_fund <> target_fund;
create index view_movement_void on view_movement (tape) where source_kind = 'void' or target_kind = 'void';

-- How far the views have come: the shape that the library's single-row tracking expects.
create table view_tracking (
    application_name text primary key,
    notification_id bigint
);

-- The entry at which folding stopped, if one did; of no weight once the tracking has passed it.
create table view_failure (
    application_name text primary key,
    seq bigint not null,
    type text not null,
    reason text not null,
    at timestamptz not null default now()
);
