"""What banks and payment channels give: statements in their many formats, read exactly, and held to the tie gate.

`reading.py` finds the format by content, one module a format reads it into `statement.py`'s values, `gate.py` says
whether a statement ties, `register.py` keeps it. `docs/bank.md` says what is read from each column.
"""
