"""The payment as it is written first: an ORM session and a transaction a request, rows locked and read one by one.

In: the contract's CreatePayment with confirm, a balance under a mandate. Out: the contract's answer.
Invariant: the same checks, decision, fee, legs and floors as the product's, each in the same tables; nothing is asked
twice, locks are taken in one order, and what need not be locked is not.
"""

import os
from itertools import count
from typing import Any, Final

from msgspec import json as quick_json
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bench.naive_draft import check_parties, new_payment, signals_of
from bench.naive_risk import Memory, decide, facts_of
from bench.naive_tables import (
    Account,
    CounterRow,
    DecisionRow,
    Idempotency,
    LegRow,
    MandateRow,
    MerchantRow,
    NumberRow,
    OutboxRow,
    PayerRow,
    PaymentRow,
    WindowRow,
)
from keelpay.api.gateway.v1 import payment_request_pb2
from keelpay_server.auth.mandate import MandateState, day_of
from keelpay_server.book import ids
from keelpay_server.book.call import current
from keelpay_server.book.ownership import own_partner, own_payer
from keelpay_server.book.ports import WallClock
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import identify, remember
from keelpay_server.clearing.window import WindowState
from keelpay_server.gateway import names
from keelpay_server.gateway.number import number_key
from keelpay_server.gateway.payment import Payment, PaymentState, event_of, move
from keelpay_server.gateway.payment_render import render_whole
from keelpay_server.ledger import account
from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.fee import fee_total, parse_fee_plan
from keelpay_server.ledger.posting import payment as posting
from keelpay_server.risk.decision import Decision, Outcome

_ID_TAIL_BITS: Final = ids.TAIL_BITS
_ACCOUNTS: Final = Account.__table__.c
_MOVE: Final = (
    update(Account.__table__)
    .where(_ACCOUNTS.book_id == bindparam("book"), _ACCOUNTS.id == bindparam("account"))
    .values(debits=_ACCOUNTS.debits + bindparam("debit"), credits=_ACCOUNTS.credits + bindparam("credit"))
)


class NaivePayments:
    """Serves CreatePayment.

    Args:
        sessions: Makes sessions.
        book: Book number.
        wall: Wall clock.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], book: int, wall: WallClock) -> None:
        self._sessions, self._book, self._wall = sessions, book, wall
        self._sequences = count(wall())
        dialect = sessions.kw["bind"].dialect.name
        insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
        statement = insert(CounterRow.__table__).values(book_id=book)
        self._upsert = statement.on_conflict_do_update(
            index_elements=("book_id", "kind", "key"), set_={"body": statement.excluded.body}
        )

    async def create_payment(
        self,
        request: payment_request_pb2.CreatePaymentRequest,
        context: object,  # noqa: ARG002  (gRPC's signature)
    ) -> payment_request_pb2.CreatePaymentResponse:
        """Pays, or answers again."""
        call, now_us, draft = current(), self._wall(), request.payment
        identity = identify(call, request, request.parent)
        payer_key = names.parse_payer(draft.payer, "payment.payer")
        own_payer(call.caller, payer_key)
        async with self._sessions() as session, session.begin():
            seen = await session.get(Idempotency, (self._book, identity.key))
            if seen is not None:
                if seen.body_hash != identity.body_hash:
                    raise Refused(Reason.IDEMPOTENCY_MISMATCH)
                return await self._again(session, seen)
            merchant = await self._require(session, MerchantRow, names.parse_merchant(request.parent))
            own_partner(call.caller, merchant.partner)
            payer = await self._require(session, PayerRow, payer_key)
            check_parties(draft, merchant, payer)
            window = await self._window(session, merchant)
            if merchant.window_opened != window.id:
                # Before any other lock: payments to one merchant that wait here hold nothing that others need.
                await self._open_account(session, merchant, window)
            payment = new_payment(self._new_id(now_us), draft, merchant, payer_key, now_us)
            signals = signals_of(payment)
            facts = facts_of(signals)
            memory = await Memory.load(session, self._book, facts)
            decision = decide(self._new_id(now_us), signals, facts, memory, now_us)
            if decision.outcome != Outcome.APPROVE:
                raise Refused(Reason.UNSUPPORTED_BY_RAIL, "the reference only pays what risk approves")
            await self._spend_mandate(session, payment, now_us)
            payment, moves = await self._pay(session, payment, decision, merchant, payer, window)
            taken = number_key(merchant.id, "payments", payment.number)
            event = event_of(payment, decision=decision.facts())
            session.add_all((
                PaymentRow(book_id=self._book, **payment._asdict()),
                DecisionRow(book_id=self._book, **decision._asdict()),
                NumberRow(book_id=self._book, id=taken, subject=payment.id),
                Idempotency(book_id=self._book, **remember(identity, payment.id, None, now_us)._asdict()),
                OutboxRow(
                    book_id=self._book, id=self._new_id(now_us), type=event.type, subject=payment.id,
                    version=event.version, owner=event.owner, actor=call.caller.actor,
                    data=quick_json.encode(event.data).decode(), create_time=now_us,
                ),
            ))  # fmt: skip
            await session.flush()
            connection = await session.connection()
            await connection.execute(self._upsert, memory.counted(facts, now_us, proven=decision.proves))
            # Last, because every payment adds to the account of our fees: its lock is held for the shortest time.
            await connection.execute(_MOVE, moves)
        message = render_whole(payment, [], decision, None)
        return payment_request_pb2.CreatePaymentResponse(payment=message)

    async def _again(self, session: AsyncSession, seen: Idempotency) -> payment_request_pb2.CreatePaymentResponse:
        payment = Payment(*await _values(session, PaymentRow, Payment, (self._book, seen.entity)))
        decision = Decision(*await _values(session, DecisionRow, Decision, (self._book, payment.decision)))
        message = render_whole(payment, [], decision, None)
        return payment_request_pb2.CreatePaymentResponse(payment=message, replayed=True)

    async def _require(self, session: AsyncSession, row: type[Any], key: Any, *, lock: bool = False) -> Any:
        found = await session.get(row, (self._book, key), with_for_update=True if lock else None)
        if found is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        return found

    async def _window(self, session: AsyncSession, merchant: Any) -> Any:
        windows = WindowRow.__table__.c
        query = select(WindowRow).where(
            windows.book_id == self._book, windows.state == int(WindowState.OPEN),
            windows.calendar == merchant.calendar, windows.currency == merchant.currency,
        )  # fmt: skip
        return (await session.scalars(query)).one()

    async def _spend_mandate(self, session: AsyncSession, payment: Payment, now_us: int) -> None:
        mandate = await self._require(session, MandateRow, payment.mandate, lock=True)
        if (mandate.payer, mandate.merchant) != (payment.payer, payment.merchant):
            raise Refused(Reason.MANDATE_PAYEE_MISMATCH)
        if mandate.state != MandateState.ACTIVE or now_us >= mandate.expire_time:
            raise Refused(Reason.MANDATE_ENDED)
        today = day_of(now_us, mandate.day_zone)
        spent = mandate.spent_day if mandate.day == today else 0
        total_left = mandate.total_max - mandate.spent_total if mandate.total_max else payment.amount
        if payment.amount > min(mandate.payment_max, mandate.day_max - spent, total_left):
            raise Refused(Reason.MANDATE_LIMIT_EXCEEDED)
        mandate.day, mandate.spent_day = today, spent + payment.amount
        mandate.spent_total += payment.amount
        mandate.state_version += 1
        mandate.update_time = now_us

    async def _pay(
        self, session: AsyncSession, payment: Payment, decision: Decision, merchant: Any, payer: Any, window: Any
    ) -> tuple[Payment, list[dict[str, int]]]:
        """Checks the payer's balance under a lock and adds the legs; returns what is to be added to which account."""
        number = currency(payment.currency).number
        balance = await self._require(session, Account, account.payer_balance(payer.number, number), lock=True)
        if balance.credits - balance.debits - balance.pending_debits < payment.amount:
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        fee = fee_total(parse_fee_plan(merchant.fee_plan), payment.channel, payment.amount)
        posted = posting.pay(
            payer=payer.number, merchant=merchant.number, window=window.id, currency=number, amount=payment.amount,
            fee=fee,
        )  # fmt: skip
        sequence = next(self._sequences)
        moved: dict[int, list[int]] = {}
        for n, (debit, credit, amount, code) in enumerate(posted.legs):
            session.add(
                LegRow(book_id=self._book, sequence=sequence, n=n, debit=debit, credit=credit, amount=amount, code=code)
            )
            moved.setdefault(debit, [0, 0])[0] += amount
            moved.setdefault(credit, [0, 0])[1] += amount
        moves = [
            {"book": self._book, "account": key, "debit": moved[key][0], "credit": moved[key][1]}
            for key in sorted(moved)
        ]
        now_us = payment.create_time
        payment = payment._replace(decision=decision.id, outcome=decision.outcome)
        payment = move(payment, PaymentState.PROCESSING, now_us)
        payment = move(
            payment, PaymentState.CAPTURED, now_us, authorized=payment.amount, captured=payment.amount, fee=fee
        )
        return payment, moves

    async def _open_account(self, session: AsyncSession, merchant: Any, window: Any) -> None:
        """The merchant's first payment of a window opens its account there."""
        await session.refresh(merchant, with_for_update=True)
        if merchant.window_opened != window.id:
            number = account.merchant_unsettled(merchant.number, currency(merchant.currency).number, window.id)
            merchant.window_opened = window.id
            session.add(
                Account(book_id=self._book, id=number, debits=0, credits=0, pending_debits=0, pending_credits=0)
            )
            await session.flush()

    def _new_id(self, now_us: int) -> bytes:
        tail = int.from_bytes(os.urandom(8), "big") & (1 << _ID_TAIL_BITS) - 1
        return ids.first_id(now_us, self._book, tail).to_bytes(16, "big")


async def _values(session: AsyncSession, row: type[Any], entity: Any, key: Any) -> list[Any]:
    found = await session.get(row, key)
    return [getattr(found, name) for name in entity._fields]
