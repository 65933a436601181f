"""The gateway: what happens to orders, payments, refunds and payers.

In: requests of partners, payers and operators; answers of banks. Out: decisions that the engine commits.
Invariant: a payment is decided and committed in one place, once; a bank is only asked about what is on disk.
"""
