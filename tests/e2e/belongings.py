"""Belongings: a resource of every collection, for each of two partners and two people.

In: an installation. Out: names by their pattern (`merchants/{}/payments/{}`). Invariant: everything was made through
the contract by its owner, and exists; `absent` gives a name of the same form that does not.
"""

import re
from datetime import UTC, datetime, timedelta

from keelpay import CaptureMethod, PaymentMethod
from keelpay.enums import PaymentState
from tests.e2e.installation import cny, until

CHOSEN, MADE = "[a-z0-9][a-z0-9-]{0,62}", "[a-z]{2,4}-[0-9a-z]{26}"
DAY = timedelta(days=1)


def shape_of(pattern):
    """Returns the collection of names that a pattern of the contract allows, `merchants/{}/orders/{}`; or nothing."""
    text = pattern.strip("^$").replace(CHOSEN, "{}").replace(MADE, "{}").replace("(-|{})", "{}")
    return text if "/{}" in text and not set(text) & set("[]()|^*+\\") else ""


def without(told, name):
    """What was told, with the name that was asked for taken out: a caller hears back what it named itself."""
    return str(told).replace(name, "(it)")


def absent(name):
    """A name of the same form that nobody has."""
    above, _, last = name.rpartition("/")
    made = re.fullmatch(r"([a-z]{2,4})-[0-9a-z]{26}", last)
    return name[:-1] + ("0" if name[-1] != "0" else "2") if made else f"{above}/nobody-at-all"


async def settle_a_day(made, merchants):
    """Each merchant is paid by card, and the day is settled and paid out."""
    for merchant, person in merchants.items():
        draft = person.partner.payments.draft(
            merchant=merchant, amount=cny(5_000), method=PaymentMethod.card(person.card)
        )
        payment = await person.partner.payments.create(draft)
        await person.partner.payments.confirm(payment)
    await made.still()
    await made.ling.sandbox.advance_clock(DAY + DAY)


async def belongings(made, partner, person, merchant):
    """Returns one resource of every collection that this partner and this person have, by its pattern."""
    order = await partner.orders.create(amount=cny(700), merchant_order_id=f"o-{person.name}", merchant=merchant)
    draft = partner.payments.draft(
        merchant=merchant, amount=cny(700), method=PaymentMethod.card(person.card), order=order,
        capture_method=CaptureMethod.AUTOMATIC,
    )  # fmt: skip
    payment = await partner.payments.create(draft)
    await partner.payments.confirm(payment)

    async def captured():
        now = await partner.payments.get(payment)
        return now if now.state is PaymentState.CAPTURED else None

    payment = await until(captured, payment.name)
    refund = await partner.refunds.create(payment, amount=cny(10))
    later = datetime.now(UTC) + 30 * DAY
    mandate = await partner.mandates.create(
        person.signer, payer=person.name, payment_max=cny(100), day_max=cny(100), expire_time=later, merchant=merchant
    )
    asked = partner.payments.draft(merchant=merchant, amount=cny(5), method=PaymentMethod.balance(person.name))
    asked = await partner.payments.create(asked)
    confirmation = await partner.confirmations.start(person.name, payment=asked)
    manage = made.as_holder_of(await partner.tokens.manage(person.name))
    registration = await manage.passkeys.start_registration(person.name, display_name="Another phone")
    subscription = await partner.events.create_subscription("https://127.0.0.1:9/hook", types=["payout.returned"])
    names = [
        merchant, order.name, payment.name, refund.name, mandate.name, f"partners/{person.name.split('/')[1]}",
        person.name, (await partner.passkeys.list(person.name).first()).name, person.card, confirmation.name,
        registration.name, subscription.subscription.name, (await partner.partners.signing_keys().first()).name,
        payment.risk.decision,
    ]  # fmt: skip
    payout = await until(lambda: partner.payouts.list(merchant=merchant).first(), "a payout")
    settlement = await partner.settlements.list(merchant=merchant).first()
    return {pattern_of(name): name for name in [*names, payout.name, settlement.name]}


def pattern_of(name):
    """Returns the collection of a name."""
    return "/".join(part if at % 2 == 0 else "{}" for at, part in enumerate(name.split("/")))
