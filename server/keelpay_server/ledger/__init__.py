"""Money, accounts, legs, holds, postings and invariants: pure arithmetic on integers.

Nothing here knows a clock, a database, a network or a random number. Callers give numbers, they get numbers back;
what cannot be right raises an error class of the file that refused it.
"""
