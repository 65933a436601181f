"""A trial: the pages for a person's own finger: links to set up a passkey and to pay, on a test server that runs.

In: an address, a partner's key. Out: links, then what became of the payment. Invariant: it does what any partner's
backend does, with the SDK alone, and nothing but test money moves.
"""

import asyncio
from contextlib import suppress
from typing import Final, NamedTuple

from rich.console import Console

from keelpay import AsyncClient, Calendar, Defaults, Fee, Fees, Money, PaymentMethod, Wallet
from keelpay.credentials import local, signed
from keelpay.enums import PasskeyState, PaymentState
from keelpay.errors import AlreadyExistsError, UnavailableError

from .connection import CURRENCY
from .key_file import HeldKey
from .patience import until
from .run_error import ImpatientError, RunError

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


async def run_trial(address: str, held: HeldKey, out: Console, *, links_only: bool, way_out: str = "Ctrl-C") -> bool:
    """Prints the links, waits for the payment, and returns whether it was paid.

    Args:
        address: `HOST:PORT` of the server's gRPC, on this machine.
        held: The partner's key.
        out: Where the links go.
        links_only: Do not wait; true is returned.
        way_out: The key that ends the wait, as it is told.

    Raises:
        KeelpayError: The server refuses.
        ImpatientError: The test money, or the person, does not come.
        RunError: The server is not there.
    """
    partner, caller = held.key.holder, local(signed(held.key, audience=held.audience))
    async with AsyncClient(address, credentials=caller, defaults=Defaults(partner=partner, region="CN")) as client:
        try:
            links = await make_links(client, partner)
        except UnavailableError as error:
            raise RunError(f"no server answers at {address}. Start a test server first: keelpay serve") from error
        rows = (("Set up your finger or face", links.enrol), ("Then pay", links.pay), ("Your devices", links.manage))
        for words, link in rows:
            if link:
                out.print(f"[bold]{words}[/]\n  {link}", highlight=False, soft_wrap=True)
        if links_only:
            return True
        with out.status(f"waiting for you to pay; {way_out} ends the wait"):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    state = await outcome(client, links.payment)
            except TimeoutError:
                raise ImpatientError(f"nobody paid {links.payment} in time") from None
    out.print(f"{links.payment} is {state.name}", highlight=False)
    return state is PaymentState.CAPTURED


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
        description=DESCRIPTION,
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


async def _give_money(client: AsyncClient, payer: str) -> None:
    """Fills the balance from a test wallet."""
    wallet = await client.payers.tokenize(payer, Wallet(wallet="alipay", wallet_account="20880000000042"))
    for _ in range(AMOUNT_MINOR // TOP_UP_MINOR):
        await client.payers.top_up(payer, amount=Money(TOP_UP_MINOR, CURRENCY), instrument=wallet)

    async def funded() -> bool | None:
        balances = await client.payers.balance(payer)
        return any(balance.available.amount_minor >= AMOUNT_MINOR for balance in balances) or None

    await until(funded, "the test money")
