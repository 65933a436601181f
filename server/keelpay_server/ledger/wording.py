"""How accounts and their amounts are told to people: by the account's name, and as decimals with the currency.

In: account numbers, currency numbers, minor units. Out: words. Invariant: it never fails: a check of broken books has
to be able to say what is broken, so a number that names nothing is told as the number.
"""

from collections.abc import Sequence

from keelpay_server.ledger.account import AccountError, currency_number, parse
from keelpay_server.ledger.currency import CurrencyError, by_number
from keelpay_server.ledger.money import amount_text

PARTS = ("debits", "credits", "pending debits", "pending credits")
"""The parts of a balance, in their order."""


def currency_words(number: int) -> str:
    """The code of a currency, as "CNY"."""
    try:
        return by_number(number).code
    except CurrencyError:
        return f"currency {number}"


def amount_words(amount_minor: int, number: int) -> str:
    """An amount of a currency, as "12.30 CNY"."""
    return amount_text(amount_minor, currency_words(number))


def account_words(account: int) -> str:
    """An account's name, as "payer:7:balance:CNY"."""
    try:
        return parse(account).name
    except (AccountError, CurrencyError):
        return str(account)


def balance_words(balance: Sequence[int], account: int) -> str:
    """What is on an account, as "debits 1.00 CNY, credits 2.00 CNY"; parts of nothing are left out."""
    number = currency_number(account)
    told = [f"{part} {amount_words(amount, number)}" for part, amount in zip(PARTS, balance, strict=True) if amount]
    return ", ".join(told) or "nothing"
