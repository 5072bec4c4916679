-- Statements of banks, as kept.

-- name: file
-- When this file was taken in, if it was.
select imported_at from bank_file where sha256 = %s

-- name: ids
-- The statements of this file that were new then, by their position in it.
select position, id from bank_statement where sha256 = %s

-- name: add_file
-- A file that is new.
insert into bank_file (sha256, format, imported_at) values (%s, %s, %s)

-- name: same_number
-- The statement that the bank gave this number in this period, with its figures.
select id, opening_minor, closing_minor, lines, credits_minor, debits_minor from bank_statement
where account = %s and currency = %s and number = %s and last_on is not distinct from %s

-- name: same_days
-- A statement of this account over these days from a format of the other sort: with numbers, or without.
select id from bank_statement where account = %s and currency = %s and (number is null) <> %s and lines > 0
    and first_on <= %s and last_on >= %s
order by id limit 1

-- name: add_statement
-- A statement; how many of its lines are known is said before they are added.
insert into bank_statement (
    sha256, position, account, currency, exponent, number, first_on, last_on, opening_minor, closing_minor,
    closing_currency, lines, known, credits_minor, debits_minor, fees_minor, ties, difference_minor, failed
) values (
    %(sha256)s, %(position)s, %(account)s, %(currency)s, %(exponent)s, %(number)s, %(first_on)s, %(last_on)s,
    %(opening)s, %(closing)s, %(closing_currency)s, %(lines)s, %(known)s, %(credits)s, %(debits)s, %(fees)s, %(ties)s,
    %(difference)s, %(failed)s::jsonb
) returning id

-- name: known_lines
-- Which of these lines, by their place in the lists, came with an earlier file.
select position from unnest(%(days)s::date[], %(amounts)s::bigint[], %(marks)s::text[], %(twins)s::int[])
    with ordinality as given (booked_on, amount_minor, mark, twin, position)
where exists (
    select from bank_line where bank_line.account = %(account)s and bank_line.currency = %(currency)s
        and bank_line.booked_on = given.booked_on and bank_line.amount_minor = given.amount_minor
        and bank_line.mark = given.mark and bank_line.twin = given.twin
)

-- name: copy_lines
-- New lines.
copy bank_line (
    statement, ordinal, account, currency, booked_on, value_on, clock, amount_minor, fee_minor, balance_minor, bank_ref,
    order_ref, mark, twin, sealed
) from stdin

-- name: add_acceptance
-- A person's word for a statement that does not tie.
insert into bank_acceptance (statement, at, by, approved_by, reason) values (%s, %s, %s, %s, %s)

-- name: statements
-- The statements with who accepted them: all, of one account, of one file, or one.
select id, encode(sha256, 'hex') as file, format, account, currency, exponent, number, first_on, last_on, opening_minor,
    closing_minor, closing_currency, lines, known, credits_minor, debits_minor, fees_minor, ties, difference_minor, failed,
    imported_at, acceptance.at, acceptance.by, acceptance.approved_by, acceptance.reason
from bank_statement join bank_file using (sha256) left join bank_acceptance acceptance on acceptance.statement = id
where (%(account)s::text is null or account = %(account)s) and (%(id)s::bigint is null or id = %(id)s)
    and (%(sha256)s::bytea is null or sha256 = %(sha256)s)
order by account, currency, first_on nulls first, last_on, id

-- name: lines
-- A statement's lines, what they say of people sealed.
select ordinal, booked_on, value_on, clock, amount_minor, fee_minor, balance_minor, bank_ref, order_ref, sealed, position,
    encode(sha256, 'hex')
from bank_line join bank_statement on id = statement where statement = %s order by ordinal
