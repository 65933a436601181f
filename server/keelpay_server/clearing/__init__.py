"""Clearing: who gets the money, and when: windows, settlements, payouts, reconciliation, and the ledger's own proof.

In: captured money of the gateway, statements of banks. Out: what merchants may be paid, payouts, breaks, findings.
Invariant: money at a bank moves only on a matched line of that bank's statement.
"""
