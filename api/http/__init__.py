"""The HTTP service. Where to look:

who may what        access (the one table), office (who is at the door), faults and problems (what is answered else)
who one is          accounts, second_factors, one_time_codes, tokens, links, provider, mail, pace: no HTTP in them
                    sign_in, factors, oidc: their routes
facts               posting (one route a fact), straight (the short way there), batches, proposals; forms and examples
                    describe what they take
questions           asking and cursors (how), queries, pictures with gallery, entries, log
finance             bank (lines of statements, months), bank_statements with uploads, papers (statements, vouchers)
personal values     personal (opened, and who opened what), showings (to auditors)
running             serving (processes), app (assembly), addresses (ids with slashes), together (many at once), chores,
                    watching, meters, operations
the reference       shapes, shapes_of_people, shapes_of_bank, onward (where answers lead)
"""

from starlette.convertors import register_url_convertor

from api.http.addresses import WholeId

register_url_convertor("id", WholeId())  # before any module here declares a route
