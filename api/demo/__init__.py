"""A made-up foundation's year: the same seed tells the same facts, by the same commands that everybody uses.

`foundation` says who and what there is, `purse` keeps where the money is, `gifts`, `children` and `incidents` tell what
happens, `year` puts it in order of days.
"""
