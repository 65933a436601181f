"""The postings: one pure function an event, from facts to the legs and pending moves that record it.

In: owner numbers, the currency's number, windows, amounts in minor units, holds. Out: a `Posting`, committed whole.
Invariant: each function names its accounts itself, so a caller cannot mix currencies, and a zero part makes no leg.
Whether the money is there is not asked here: the floors of the accounts answer that, for every posting alike.
"""
