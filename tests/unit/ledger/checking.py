"""How a test feeds a checker and reads what it found wrong."""

from keelpay_server.ledger.fact import AccountRow
from keelpay_server.ledger.finding import Invariant
from keelpay_server.ledger.invariant import Checker
from tests.property.ledger.model_book import BOOK, link


def broken(checker, head, **parts):
    findings = list(checker.findings(head, **parts))
    assert [finding.invariant for finding in findings] == list(Invariant)
    assert all(finding.ok == (not finding.detail) for finding in findings)
    return {finding.invariant for finding in findings if not finding.ok}


def read_journal(batches, rows=None):
    checker = Checker(BOOK, link)
    checker.journal(batches, rows)
    checker.accounts([AccountRow(account, *balance) for account, balance in checker._replay.balances.items()])
    return checker
