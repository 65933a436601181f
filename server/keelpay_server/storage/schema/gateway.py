"""Tables of the `gateway` room."""

from sqlalchemy import Index

from keelpay_server.gateway.instrument import Instrument
from keelpay_server.gateway.number import Number
from keelpay_server.gateway.operation import Operation
from keelpay_server.gateway.order import Order
from keelpay_server.gateway.payment import Payment
from keelpay_server.gateway.refund import Refund
from keelpay_server.gateway.sandbox_scenario import SandboxClock, Scenario
from keelpay_server.gateway.stray import Stray
from keelpay_server.gateway.transfer import Transfer

from .entity import entity_table

orders = entity_table(
    Order, "orders",
    Index(None, "book_id", "merchant", "id"),
    Index(None, "book_id", "merchant", "state", "id"),
    Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
payments = entity_table(
    Payment, "payments",
    Index(None, "book_id", "merchant", "id"),
    Index(None, "book_id", "merchant", "state", "id"),
    Index(None, "book_id", "payer", "id"),
    Index(None, "book_id", "order", "id"),
    changing=True,
)  # fmt: skip
operations = entity_table(
    Operation, "operations",
    Index(None, "book_id", "subject", "number", unique=True),
    Index(None, "book_id", "bank", "currency", "update_time"),
    changing=True,
)  # fmt: skip
numbers = entity_table(Number, "numbers", append_only=True)
instruments = entity_table(
    Instrument, "instruments",
    Index(None, "book_id", "payer", "id"),
    Index(None, "book_id", "state", "id"),
    Index(None, "book_id", "fingerprint"),
)  # fmt: skip
refunds = entity_table(
    Refund, "refunds",
    Index(None, "book_id", "merchant", "id"),
    Index(None, "book_id", "merchant", "state", "id"),
    Index(None, "book_id", "merchant", "lagging", "id"),
    Index(None, "book_id", "payment", "id"),
    changing=True,
)  # fmt: skip
strays = entity_table(Stray, "strays", changing=True)
transfers = entity_table(Transfer, "transfers", Index(None, "book_id", "payer", "id"), changing=True)
scenarios = entity_table(Scenario, "scenarios", append_only=True)
sandbox_clock = entity_table(SandboxClock, "sandbox_clock", changing=True)
