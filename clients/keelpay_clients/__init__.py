"""Programs that use keelpay as anybody would, by the client library alone: the story of one payment, and a simulation.

In: the address of a running server and who calls. Out: text on a terminal and a report. Invariant: nothing here knows
the server; whatever it says about the books, it has asked for.
"""
