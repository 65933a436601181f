"""A trial: the pages for a person's own finger: links to set up a passkey and to pay, on a test server that runs.

In: an address, a partner's key. Out: links, then what became of the payment. Invariant: it does what any partner's
backend does, with the SDK alone, and nothing but test money moves.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

from rich.console import Console

from keelpay import AsyncClient, Calendar, Defaults, Fee, Fees, Money, PaymentMethod, Wallet
from keelpay.credentials import local, signed
from keelpay.enums import Channel, InstrumentState, PasskeyState, PaymentState
from keelpay.errors import AlreadyExistsError, ConfigurationError, KeelpayError, UnauthenticatedError, UnavailableError
from keelpay.models.payer import Instrument

from .connection import CURRENCY
from .key_file import HeldKey
from .patience import until
from .run_error import AddressError, ImpatientError, RunError

MERCHANT: Final = "corner-cafe"
MERCHANT_NAME: Final = "Corner Café"
PERSON: Final = "you"
AMOUNT_MINOR: Final = 1_250
TOP_UP_MINOR: Final = 250
"""So little at a time that the test wallet charges nothing: a fresh installation has no money of its own for charges,
and its books would rightly say that clients' money is not whole."""
DESCRIPTION: Final = "2 flat whites"
FEE: Final = Fee(basis_points=60)
ENDS: Final = frozenset({PaymentState.CAPTURED, PaymentState.CANCELLED, PaymentState.EXPIRED, PaymentState.REJECTED})
PATIENCE_S: Final = 1_800.0
"""As long as the payment itself waits."""


class Links(NamedTuple):
    """What a person opens; each opens once.

    Attributes:
        enrol: Set up a finger or face; empty for somebody who has.
        pay: Look at a payment, and pay it.
        manage: Devices, and small payments that need not ask.
        payment: The payment's name.
    """

    enrol: str
    pay: str
    manage: str
    payment: str


async def run_trial(
    address: str, held: HeldKey, out: Console, *, links_only: bool, enough: asyncio.Event | None = None,
    way_out: str = "Ctrl-C", lasting: bool = True,
) -> bool:  # fmt: skip
    """Prints the links, waits for the payment, and returns whether it was paid.

    Args:
        address: `HOST:PORT` of the server's gRPC, on this machine.
        held: The partner's key.
        out: Where the links go.
        links_only: Do not wait; true is returned.
        enough: Ends the wait once it is set.
        way_out: The key that ends the wait, as it is told.
        lasting: The server, and the links with it, are still there afterwards.

    Raises:
        KeelpayError: The server refuses.
        ImpatientError: The test money, or the person, does not come.
        AddressError: The address is none.
        RunError: The server is not there, or does not know the key.
    """
    partner, caller = held.key.holder, local(signed(held.key, audience=held.audience))
    try:
        opened = AsyncClient(address, credentials=caller, defaults=Defaults(partner=partner, region="CN"))
    except ConfigurationError as error:
        raise AddressError(str(error)) from error
    async with opened as client:
        try:
            links = await make_links(client, partner)
        except UnavailableError as error:
            raise RunError(f"no server answers at {address}. {_why(error)}") from error
        except UnauthenticatedError as error:
            raise RunError(
                f"the server at {address} does not know the key of {partner}: is it another server's? Its own key file"
                " is told when it starts, as sandbox_credential"
            ) from error
        rows = (("Set up your finger or face", links.enrol), ("Then pay", links.pay), ("Your devices", links.manage))
        for words, link in rows:
            if link:
                out.print(f"[bold]{words}[/]\n  {link}", highlight=False, soft_wrap=True)
        if links_only:
            return True
        with out.status(f"waiting for you to pay; {way_out} ends the wait"):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    state = await _outcome_or(client, links.payment, enough)
            except TimeoutError:
                raise ImpatientError(f"nobody paid {links.payment} in time: nothing was charged") from None
            except asyncio.CancelledError:
                left = "its link pays it for half an hour" if lasting else "its link ends with the server"
                out.print(f"{links.payment} is left as it is: {left}", highlight=False)
                raise
    told = state.name if state in ENDS else f"{state.name}: you left before it was paid, and nothing was charged"
    out.print(f"{links.payment} is {told}", highlight=False)
    return state is PaymentState.CAPTURED


def _why(error: KeelpayError) -> str:
    """What the library knows of why nobody answers; where that is nothing, most likely there is no server."""
    _, _, hint = error.message.partition(" Hint: ")
    return hint or "Start a test server first: keelpay serve"


async def make_links(client: AsyncClient, partner: str) -> Links:
    """Makes a shop and a person with test money, where they are not there yet, and fresh links for them.

    Args:
        client: The partner's.
        partner: `partners/{p}`, whose shop and person they are.

    Raises:
        KeelpayError: The server refuses.
        ImpatientError: The test money does not come.
    """
    payer = f"{partner}/payers/{PERSON}"
    with suppress(AlreadyExistsError):
        await client.merchants.create(
            MERCHANT, display_name=MERCHANT_NAME, settlement_currency=CURRENCY,
            calendar=Calendar(time_zone="Asia/Shanghai", cut_off_minute=0), fees=Fees(default=FEE),
        )  # fmt: skip
    with suppress(AlreadyExistsError):
        await client.payers.create(PERSON, region="CN")
    await _give_money(client, payer)
    draft = client.payments.draft(
        merchant=f"merchants/{MERCHANT}", amount=Money(AMOUNT_MINOR, CURRENCY), method=PaymentMethod.balance(payer),
        merchant_payment_id=f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3], description=DESCRIPTION,
    )  # fmt: skip
    payment = await client.payments.create(draft)
    active = [key async for key in client.passkeys.list(payer) if key.state is PasskeyState.ACTIVE]
    enrol = ""
    if not active:
        enrol = (await client.tokens.enrol_link(payer, client.attest(payer, amr=["pwd"]))).url
    pay = (await client.orders.create_checkout_link(payment)).url
    return Links(enrol, pay, (await client.tokens.manage_link(payer)).url, payment.name)


async def outcome(client: AsyncClient, payment: str) -> PaymentState:
    """Follows a payment to its end, and returns that."""
    async with client.payments.watch(payment) as watch:
        async for now in watch:
            if now.state in ENDS:
                return PaymentState(now.state)
    return PaymentState((await client.payments.get(payment)).state)


async def _outcome_or(client: AsyncClient, payment: str, enough: asyncio.Event | None) -> PaymentState:
    """The end of a payment; or its state when somebody has waited enough."""
    if enough is None:
        return await outcome(client, payment)
    both = asyncio.ensure_future(outcome(client, payment)), asyncio.ensure_future(enough.wait())
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if both[0].done():
            return both[0].result()
    finally:
        for each in both:
            each.cancel()
        await asyncio.gather(*both, return_exceptions=True)
    return PaymentState((await client.payments.get(payment)).state)


async def _give_money(client: AsyncClient, payer: str) -> None:
    """Fills the balance from the person's test wallet, as far as it is lacking."""

    async def lacking() -> int:
        balances = await client.payers.balance(payer)
        available = {each.available.currency_code: each.available.amount_minor for each in balances}
        return max(AMOUNT_MINOR - available.get(CURRENCY, 0), 0)

    lack = await lacking()
    if not lack:
        return
    wallet = await _wallet(client, payer)
    for _ in range(-(-lack // TOP_UP_MINOR)):
        await client.payers.top_up(payer, amount=Money(TOP_UP_MINOR, CURRENCY), instrument=wallet)

    async def funded() -> bool | None:
        return not await lacking() or None

    await until(funded, "the test money")


async def _wallet(client: AsyncClient, payer: str) -> Instrument:
    """The person's test wallet; one is enough."""
    async for each in client.payers.instruments(payer, channel=Channel.WALLET, state=InstrumentState.ACTIVE):
        return each
    return await client.payers.tokenize(payer, Wallet(wallet="alipay", wallet_account="20880000000042"))
