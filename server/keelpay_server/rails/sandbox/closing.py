"""The end of the sandbox bank's day: each account's lines are summed up, and its statement stands for ever.

In: a store in a transaction, a day. Out: closed days, and statements of them. Invariant: the closing balance of a
statement is its opening balance plus its lines, and the next one opens with it.
"""

from datetime import date

from keelpay_server.book.rail import Statement, StatementLine, StatementLineKind, StatementUnavailableError

from .store import Account, BankStore, ClosedDay, Entry


def close_accounts(store: BankStore, day: int) -> list[str]:
    """Closes a day of all accounts and returns their currencies."""
    accounts: list[Account] = []
    for account in store.accounts():
        lines: list[Entry] = store.lines_of(account.currency, day)
        closing = account.stated_minor + sum(line.amount_minor for line in lines)
        number = account.number + 1
        store.close_day(ClosedDay(account.currency, day, number, account.stated_minor, closing, len(lines)))
        accounts.append(account._replace(stated_minor=closing, number=number))
    store.save_accounts(accounts)
    return [account.currency for account in accounts]


def closed_statement(store: BankStore, bank: str, day: date, currency: str) -> Statement:
    """Returns the statement of a day that is closed.

    Raises:
        StatementUnavailableError: The account had no such day.
    """
    head = store.closed_day(currency, day.toordinal())
    if head is None:
        raise StatementUnavailableError(f"there is no account in {currency} on {day}")
    lines = tuple(
        StatementLine(
            number, entry.natural_key, StatementLineKind(entry.kind), entry.amount_minor, currency,
            entry.operation_key, day, entry.bank_reference, entry.text,
        )
        for number, entry in enumerate(store.lines_of(currency, day.toordinal()), start=1)
    )  # fmt: skip
    return Statement(bank, head.number, day, currency, head.opening_minor, head.closing_minor, lines)
