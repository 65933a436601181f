"""Should it happen: counters, features, score, lists, the decision on each payment, reviews and labels.

In: signals of a payment, and what the journal told of everybody involved. Out: an outcome with its reasons.
Invariant: a decision is a pure function of the world; the counters are a projection of the journal, never a truth.
"""
