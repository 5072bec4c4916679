-- What the service role may do, given anew after each migration. Entries and keys can be read and appended; the state
-- that follows from them can be kept up; nothing lasting can be created, and the migrations' record only read. In the
-- vault, keys can be wrapped anew and destroyed, values destroyed, outside ids removed; its log of accesses only grows, as
-- do statements of banks.
revoke all on schema {schema} from public;
grant usage on schema {schema} to {role};
revoke all on all tables in schema {schema} from {role};
grant select on all tables in schema {schema} to {role};
grant insert on entry, command_key, business_key, bill, fund, case_file, code, tape, holding, movement, reversal, opening
to {role};
grant update on head, bill, case_file to {role};
grant update (ends_at) on tape to {role};
grant delete on business_key, holding to {role};
grant insert on vault_keys, vault_person, vault_value, vault_pseudonym, vault_access to {role};
grant update (master, retired) on vault_keys to {role};
grant update (master, wrapped, made_at) on vault_person to {role};
grant update (sealed) on vault_value to {role};
grant delete on vault_pseudonym to {role};
grant insert, update, delete on view_tape, view_gift, view_attribution, view_place, view_movement, view_tracking, view_failure,
    view_standing, view_donor, view_leader, view_giving, view_donor_place, view_period to {role};
grant insert, delete on synonym, unknown_term to {role};
grant update (code, accepted_by, accepted_at) on synonym to {role};
grant update (seen, kind, last_at) on unknown_term to {role};
grant insert on access_token, access_account to {role};
grant update (revoked_at) on access_token to {role};
grant update (password, roles, closed_at) on access_account to {role};
grant insert, update, delete on access_factor to {role};
grant insert, delete on access_recovery, access_start to {role};
grant insert on access_showing to {role};
grant update (ended_at, ended_by) on access_showing to {role};
grant insert, delete on access_session to {role};
grant insert, update, delete on access_code, access_tried to {role};
grant insert on access_proposal to {role};
grant update (state, decided_by, reason, seq) on access_proposal to {role};
grant insert on bank_file, bank_statement, bank_acceptance, bank_acceptance_asked, bank_line, bank_refusal to {role};
grant insert on account, suspense, line_part, leg_part, period_close to {role};
grant update (left_minor, amount_minor, since) on suspense to {role};
grant update (undone) on line_part, leg_part to {role};
grant update (reopened) on period_close to {role};
