"""A payer's balances: one account a currency, opened the first time money comes in.

In: a payer and a currency. Out: the payer with that balance, and the accounts to open. Invariant: a currency stands in
`Payer.currencies` exactly when its account 2000 is open.
"""

from keelpay_server.book.payer import Payer


def has_balance(payer: Payer, code: str) -> bool:
    """Returns whether the payer has a balance in a currency."""
    return code in payer.currencies.split()


def open_balance(payer: Payer, code: str) -> tuple[Payer, tuple[int, ...]]:
    """Returns the payer with a balance in a currency, and the numbers of the accounts to open (none or that one)."""
    if has_balance(payer, code):
        return payer, ()
    return payer._replace(currencies=f"{payer.currencies} {code}".strip()), (payer.balance(code),)
