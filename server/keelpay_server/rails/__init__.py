"""Connectors to banks, wallets and chains, the sandbox bank, and the suite that tries a partner's bank.

In: operations the engine has committed as SUBMITTED. Out: results, one for each key. Invariant: a connector never
repeats a call that moves money, and whatever it cannot tell for certain is UNKNOWN, never an exception.
"""
