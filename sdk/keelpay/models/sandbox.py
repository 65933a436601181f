"""A test installation's levers as they are read: its clocks, and what its banks will do wrong."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keelpay.enums import Behaviour, RailOperationKind, RailResultCode
from keelpay.models.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Model):
    """What the clocks show.

    Attributes:
        business_time: The business clock, which tests advance.
        wall_time: The wall clock, which nobody moves.
        state_version: How often the business clock was advanced.
    """

    business_time: datetime | None
    wall_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Model):
    """What a sandbox bank does with its next operations.

    Attributes:
        name: `scenarios/{s}`.
        bank: The sandbox bank.
        behaviour: What it does.
        operation_kinds: Only with operations of these kinds; empty for any.
        instrument: Only on this instrument; empty for any.
        operation_count: How many operations it befalls.
        delay: How late or how long; None for the behaviour's own.
        decline_code: Why it is declined.
        amount_delta_minor: What is added to the amount of the statement's line.
        remaining_count: Operations it will still befall.
        create_time: When it was made.
    """

    name: str
    bank: str
    behaviour: Behaviour
    operation_kinds: tuple[RailOperationKind, ...]
    instrument: str = field(repr=False)
    operation_count: int
    delay: timedelta | None
    decline_code: RailResultCode
    amount_delta_minor: int
    remaining_count: int
    create_time: datetime | None
