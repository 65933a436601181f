"""The naive server's tables as an ORM sees them: the product's own, counters as rows, an outbox.

In: the metadata of storage. Out: mapped classes. Invariant: same columns, same keys, same indexes and same floors as
the engine's, so that only the way of writing differs.
"""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text
from sqlalchemy.orm import DeclarativeBase

from keelpay_server.auth.mandate import Mandate
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import AccountRow
from keelpay_server.book.request import RequestRow
from keelpay_server.clearing.window import Window
from keelpay_server.gateway.number import Number
from keelpay_server.gateway.payment import Payment
from keelpay_server.risk.decision import Decision
from keelpay_server.storage.schema import ENTITIES
from keelpay_server.storage.schema.book import legs

metadata: Final = MetaData()
"""What only the naive server has."""

counters: Final = Table(
    "naive_counters", metadata,
    Column("book_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    postgresql_with={"fillfactor": 70},
)  # fmt: skip

outbox: Final = Table(
    "naive_outbox", metadata,
    Column("book_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", LargeBinary, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index("naive_outbox_owner_ix", "book_id", "owner", "id"),
)  # fmt: skip


class Row(DeclarativeBase):
    """The base of the mapped classes; their columns come from the tables."""

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...


class MerchantRow(Row):
    """A merchant."""

    __table__ = ENTITIES[Merchant]


class PayerRow(Row):
    """A payer."""

    __table__ = ENTITIES[Payer]


class MandateRow(Row):
    """A mandate."""

    __table__ = ENTITIES[Mandate]


class WindowRow(Row):
    """A settlement window."""

    __table__ = ENTITIES[Window]


class Account(Row):
    """An account's balances."""

    __table__ = ENTITIES[AccountRow]


class PaymentRow(Row):
    """A payment."""

    __table__ = ENTITIES[Payment]


class DecisionRow(Row):
    """A risk decision."""

    __table__ = ENTITIES[Decision]


class NumberRow(Row):
    """A merchant's number, taken."""

    __table__ = ENTITIES[Number]


class Idempotency(Row):
    """A request that was answered."""

    __table__ = ENTITIES[RequestRow]


class LegRow(Row):
    """A ledger entry."""

    __table__ = legs


class CounterRow(Row):
    """One entity's risk counter."""

    __table__ = counters


class OutboxRow(Row):
    """An event to be told."""

    __table__ = outbox
