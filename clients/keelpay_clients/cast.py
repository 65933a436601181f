"""Cast: the merchants and people of a plan, made on the server with everything they need before the first payment.

In: a plan and open clients. Out: names and passkeys. Invariant: a passkey is enrolled by the person's own app, with a
token that the partner gave on its signed word; everything else the partner's backend asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from keelpay import Calendar, Channel, Fee, Fees, Money, PayoutDestination
from keelpay.enums import OperationState
from keelpay.request_id import new_request_id
from keelpay.testing import SoftPasskey

from .connection import CURRENCY, Callers
from .crowd import for_each
from .mixture import Way
from .patience import PATIENCE_S, until
from .person import Person
from .plan import MANDATE_DAY_MINOR, MANDATE_PAYMENT_MINOR, Plan
from .planned_payment import Obstacle
from .run_error import DeclinedError

CALENDAR: Final = Calendar(time_zone="Asia/Shanghai", cut_off_minute=0)
"""Windows close at midnight; what a day took in is paid out on the next (T+1)."""
FEES: Final = Fees(
    default=Fee(basis_points=60),
    by_channel={Channel.CARD: Fee(basis_points=80), Channel.BALANCE: Fee(basis_points=30)},
)
MANDATE_LIFE: Final = timedelta(days=300)
TOP_UP_STEP_MINOR: Final = 10_000
"""Balances are topped up by whole hundreds."""


@dataclass(slots=True)
class Cast:
    """Who takes part.

    Attributes:
        run: Tells this run's names from those of all others.
        merchants: Their names by number.
        people: By customer.
    """

    run: str
    merchants: dict[int, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def passkeys(self) -> int:
        """How many passkeys were enrolled."""
        return sum(person.passkey is not None for person in self.people.values())

    @property
    def mandates(self) -> int:
        """How many mandates were given."""
        return sum(len(person.mandates) for person in self.people.values())


class Casting:
    """Makes a cast.

    Args:
        callers: Open clients.
        plan: What will be played.
        run: 1 to 20 lower-case letters and digits, new for each run.
    """

    def __init__(self, callers: Callers, plan: Plan, run: str) -> None:
        self._callers, self._plan = callers, plan
        self._cast = Cast(run)
        self._confirming = frozenset(plan.confirming)
        self._spent = plan.spent_from_balance()
        self._wallets = frozenset(plan.customers_by(Way.WALLET)) | self._spent.keys()
        self._cards = frozenset(plan.customers_by(Way.CARD))
        self._banks = frozenset(plan.customers_by(Way.BANK))
        self._obstacles = {(each.customer, each.way, each.obstacle) for each in plan.payments if each.obstacle}

    @property
    def step_count(self) -> int:
        """How many steps it will take."""
        return len(self._plan.merchants) + len(self._plan.customers) + len(self._plan.mandates)

    async def make(self, advance: Callable[[], None]) -> Cast:
        """Makes everybody: merchants, then people, then what people allow merchants.

        Args:
            advance: Called after each step.
        """
        await for_each(self._plan.merchants, self._merchant, advance=advance)
        await for_each(self._plan.customers, self._person, advance=advance)
        await for_each(self._plan.mandates, self._mandate, advance=advance)
        return self._cast

    async def _merchant(self, number: int) -> None:
        made = await self._callers.partner.merchants.create(
            f"{self._cast.run}-m{number:03}",
            display_name=f"Shop {number + 1}",
            settlement_currency=CURRENCY,
            calendar=CALENDAR,
            fees=FEES,
            payout_account=PayoutDestination(
                bank_code="ICBKCNBJ", account_holder=f"Shop {number + 1}", account_number=f"6222{number:015}"
            ),
            timeout_s=PATIENCE_S,
        )
        self._cast.merchants[number] = made.name

    async def _person(self, customer: str) -> None:
        partner = self._callers.partner
        place = next(each.region for each in self._plan.payments if each.customer == customer)
        token = f"{self._cast.run}-{customer.lower()}"
        payer = await partner.payers.create(token, locale="zh-CN", region=place, timeout_s=PATIENCE_S)
        person = Person(name=payer.name, token=token, region=place)
        for way, of in ((Way.WALLET, self._wallets), (Way.CARD, self._cards), (Way.BANK, self._banks)):
            if customer in of:
                person.instruments[way] = await self._instrument(person, way)
            for obstacle in Obstacle:
                if (customer, way, obstacle) in self._obstacles:
                    person.obstructed[way, obstacle] = await self._instrument(person, way, obstacle)
        if customer in self._confirming:
            person.passkey = await enrol(self._callers, person)
        if customer in self._spent:
            await self._top_up(person, self._spent[customer])
        self._cast.people[customer] = person

    async def _instrument(self, person: Person, way: Way, obstacle: Obstacle | None = None) -> str:
        details = person.details(way, obstacle)
        stored = await self._callers.partner.payers.tokenize(person.name, details, timeout_s=PATIENCE_S)
        return stored.name

    async def _top_up(self, person: Person, spent_minor: int) -> None:
        whole = -(-spent_minor // TOP_UP_STEP_MINOR) * TOP_UP_STEP_MINOR
        await top_up(self._callers, person, Money(whole, CURRENCY))

    async def _mandate(self, pair: tuple[str, int]) -> None:
        customer, number = pair
        person, merchant = self._cast.people[customer], self._cast.merchants[number]
        clock = await self._callers.partner.sandbox.clock()
        now = clock.business_time or datetime.now(UTC)
        async with person.hand:
            mandate = await self._callers.partner.mandates.create(
                person.sign,
                payer=person.name,
                payment_max=Money(MANDATE_PAYMENT_MINOR, CURRENCY),
                day_max=Money(MANDATE_DAY_MINOR, CURRENCY),
                expire_time=(now + MANDATE_LIFE).replace(microsecond=0),
                merchant=merchant,
                timeout_s=PATIENCE_S,
            )
        person.mandates[merchant] = mandate.name


async def enrol(callers: Callers, person: Person) -> SoftPasskey:
    """Enrols a passkey: the partner vouches for the person, the person's own app does the rest."""
    passkey = SoftPasskey(origin=callers.connection.origin)
    word = callers.connection.partner.attest(person.name, auth_time=datetime.now(UTC), amr=["pwd", "otp"])
    token = await callers.partner.tokens.enrol(person.name, word, timeout_s=PATIENCE_S)
    async with callers.connection.as_holder_of_token(token.value) as app:
        await app.passkeys.register(person.name, passkey.create, display_name="Phone", timeout_s=PATIENCE_S)
    return passkey


async def top_up(callers: Callers, person: Person, amount: Money) -> None:
    """Moves money from a person's wallet into the balance here, and waits until it is there.

    Raises:
        DeclinedError: The wallet said no.
    """
    request_id = new_request_id()
    pending = {OperationState.SUBMITTED, OperationState.UNKNOWN}

    async def state() -> OperationState | None:
        transfer = await callers.partner.payers.top_up(
            person.name, amount=amount, instrument=person.instruments[Way.WALLET], request_id=request_id,
            timeout_s=PATIENCE_S,
        )  # fmt: skip
        return None if transfer.state in pending else transfer.state

    reached = await until(state, f"the top-up of {person.name}")
    if reached is not OperationState.SUCCEEDED:
        raise DeclinedError(f"the top-up of {person.name} is {reached.name}")
