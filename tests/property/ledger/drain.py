"""The end of a walk: everything open is resolved, and every payer and merchant takes its money home."""

from keelpay_server.ledger.account import bank_clearing, merchant_available, payer_balance
from keelpay_server.ledger.posting import bank
from tests.property.ledger.walk import BANKS, CNY, MERCHANTS, PAYERS

OPEN_REFUND = {"RESERVED", "SUBMITTED", "ABNORMAL"}
OPEN_BREAK = {"OPEN", "REFUNDING"}


def drain(walk):
    for where in BANKS:
        walk.book.apply(bank.capital(bank=where, currency=CNY, amount=1_000_000_000))
    while any(one.hold.rest for one in walk.payments):
        walk.release()
    while still_open := [one for one in walk.refunds if one.state in OPEN_REFUND]:
        one = still_open[0]
        ends = {"RESERVED": "submit", "SUBMITTED": "sent" if one.bank else "credit"}
        walk.refund_to(one, ends.get(one.state, "fail"))
    while still_open := [one for one in walk.breaks if one.state in OPEN_BREAK]:
        walk.break_to(still_open[0])
    for where in BANKS:
        if due := -walk.book.balance(bank_clearing(where, CNY)):
            walk.book.apply(bank.receive(bank=where, currency=CNY, amount=due))
    walk.window += 1
    while len(walk.settled) < walk.window - 1:
        walk.settle_window()
    for merchant in MERCHANTS:
        walk.payout_of(merchant, walk.book.room(merchant_available(merchant, CNY)))
    for payer in PAYERS:
        walk.withdraw_of(payer, walk.book.room(payer_balance(payer, CNY)))
    for one in walk.payouts:
        if one.state == "RESERVED":
            walk.payout_to(one, "submit")
        if one.state == "SUBMITTED":
            walk.payout_to(one, "sent")
