"""Who allowed it: the confirmations and mandates behind every debit of a payer's balance, as they are stored.

In: a journal row. Out: the same as the invariant checker reads it. Invariant: an authority is taken from what `auth`
has stored, not from what the event says: the payment only tells which one to look for.
"""

import json
from collections.abc import Collection
from typing import Final, TypeVar

from keelpay_server.auth.challenge import TermsInvalid, parse_document
from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.mandate import Mandate
from keelpay_server.auth.terms import PaymentTerms, WithdrawalTerms
from keelpay_server.book import journal
from keelpay_server.book.ids import text
from keelpay_server.book.payer import Payer
from keelpay_server.book.world import Key
from keelpay_server.gateway.payment import KIND as PAYMENT_KIND
from keelpay_server.gateway.payment import Payment
from keelpay_server.gateway.transfer import KIND as TRANSFER_KIND
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.ledger import fact
from keelpay_server.ledger.account import CHART_MASK, AccountError, payer_balance
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.currency import CurrencyError, currency

from .reader import SqlReader
from .schema import ENTITIES

Row = TypeVar("Row")
_KEY: Final = 3
"""Place of the resource's key in a journal event: (sequence, type, kind, id, version, owner, actor, data)."""


class Authorities:
    """Finds what payers agreed to.

    Args:
        moment: A consistent reading.
    """

    def __init__(self, moment: SqlReader) -> None:
        self._moment = moment

    async def read(self, row: journal.JournalRow) -> fact.JournalBatch:
        """Returns a journal row with the authorities of those of its events that take from a payer's balance."""
        body = journal.decode(row.body)
        taking = {move[0] for move in (*body.legs, *body.pending) if _takes(move)}
        granted: dict[bytes, tuple[fact.Authority, ...]] = {}
        for kind, find in ((PAYMENT_KIND, self._of_payments), (TRANSFER_KIND, self._of_transfers)):
            if wanted := {event[_KEY] for event in body.events if event[0] in taking and event[2] == kind}:
                granted |= await find(wanted)
        return fact.JournalBatch(
            row.first, row.last, row.wall_time, row.business_time, row.body, row.link,
            tuple(
                fact.JournalEvent(event[0], granted.get(event[_KEY], ()) if event[0] in taking else ())
                for event in body.events
            ),
            tuple(fact.PostedLeg(*leg) for leg in body.legs),
            tuple(fact.PendingMove(*move) for move in body.pending),
        )  # fmt: skip

    async def _of_payments(self, keys: set[bytes]) -> dict[bytes, tuple[fact.Authority, ...]]:
        payments = {row.id: row for row in await self._find(Payment, keys)}
        found = payments.values()
        signed = await self._find(Confirmation, {row.confirmation for row in found if row.confirmation is not None})
        agreed = await self._find(Mandate, {row.mandate for row in found if row.mandate is not None})
        confirmations, mandates = {row.id: row for row in signed}, {row.id: row for row in agreed}
        payers = {row.id: row for row in await self._find(Payer, {row.payer for row in found if row.payer})}
        granted = {}
        for key, payment in payments.items():
            payer = payers.get(payment.payer)
            if payer is not None:
                authorities = (
                    _confirmed(payment, payer, confirmations.get(payment.confirmation or b"")),
                    _mandated(payment, payer, mandates.get(payment.mandate or b"")),
                )
                granted[key] = tuple(authority for authority in authorities if authority is not None)
        return granted

    async def _of_transfers(self, keys: set[bytes]) -> dict[bytes, tuple[fact.Authority, ...]]:
        transfers = await self._find(Transfer, keys)
        signed = await self._find(Confirmation, {row.confirmation for row in transfers if row.confirmation is not None})
        confirmations = {row.id: row for row in signed}
        payers = {row.id: row for row in await self._find(Payer, {row.payer for row in transfers})}
        granted: dict[bytes, tuple[fact.Authority, ...]] = {}
        for transfer in transfers:
            confirmation, payer = confirmations.get(transfer.confirmation or b""), payers.get(transfer.payer)
            if confirmation is not None and payer is not None:
                spent = _signed(confirmation, payer, confirmation.kind_of_act == "withdrawal")
                granted[transfer.id] = () if spent is None else (spent,)
        return granted

    async def _find(self, entity: type[Row], keys: Collection[Key]) -> list[Row]:
        if not keys:
            return []
        table = ENTITIES[entity]
        rows = await self._moment.rows(self._moment.all_columns(table).where(table.c.id.in_(list(keys))))
        return [entity._make(row) for row in rows]  # type: ignore[attr-defined]


def _takes(move: tuple[int, ...]) -> bool:
    """Whether a leg (sequence, n, debit, ...) or a pending move (sequence, debit, ...) may take from a balance."""
    debit = move[2] if len(move) == 6 else move[1]  # noqa: PLR2004
    return debit & CHART_MASK == Chart.PAYER_BALANCE


def _confirmed(payment: Payment, payer: Payer, row: Confirmation | None) -> fact.Authority | None:
    """What a payer has signed for one payment."""
    act = f"payment:merchants/{payment.merchant}/payments/{text(PAYMENT_KIND, payment.id)}"
    return None if row is None else _signed(row, payer, row.act == act)


def _signed(row: Confirmation, payer: Payer, for_this: bool) -> fact.Authority | None:
    """What a payer has signed; it counts as spent only if it was, and `for_this` act."""
    if row.payer != payer.id:
        return None
    try:
        terms, _, _ = parse_document(json.loads(row.terms))
    except (ValueError, TermsInvalid):
        return None
    if not isinstance(terms, PaymentTerms | WithdrawalTerms):
        return None
    spent = row.state == ConfirmationState.CONSUMED and for_this
    return _authority(payer, terms.currency, terms.amount_minor, spent=spent)


def _mandated(payment: Payment, payer: Payer, row: Mandate | None) -> fact.Authority | None:
    """What a payer's mandate has let one payment take."""
    if row is None or row.payer != payer.id or row.merchant != payment.merchant or payment.confirmation is not None:
        return None
    amount = min(payment.amount, row.payment_max)
    return _authority(payer, row.currency, amount, spent=row.spent_total >= min(amount, payment.captured))


def _authority(payer: Payer, code: str, amount: int, *, spent: bool) -> fact.Authority | None:
    try:
        return fact.Authority(payer_balance(payer.number, currency(code).number), amount, spent)
    except (AccountError, CurrencyError):
        return None
