"""What is paid under a mandate never passes what the payer signed."""

from dataclasses import dataclass

import pytest

from keelpay.api.auth.v1 import confirmation_service_pb2, mandate_pb2
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.mandate import Mandate, MandateState, mandate_needs, spend_mandate
from keelpay_server.auth.names import parse_mandate
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import ACME, AMA, BEN, HOUR, OTHER, Pay, fresh, merchant_request

DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class PayUnder(Command):
    """A payment of another room under a mandate."""

    mandate: bytes
    amount: int
    payer: str = AMA
    merchant: str = "cafe"
    currency: str = "CNY"
    instrument: bytes | None = None

    def needs(self, need):
        mandate_needs(need, self.mandate)

    def decide(self, world):
        return Changes(
            spend_mandate(
                world, self.mandate, payer=self.payer, merchant=self.merchant, amount=self.amount,
                currency=self.currency,
                instrument=self.instrument,
            )
        )  # fmt: skip


@pytest.fixture
async def mandated(enrolled):
    """Ama signed 50 a payment and 80 a day for the café."""
    enrolled.mandate = await enrolled.finish_mandate(await enrolled.start_mandate())
    enrolled.key = parse_mandate(enrolled.mandate.name)[1]
    return enrolled


def pay(scene, amount, **changes):
    return scene.engine.execute(PayUnder(mandate=scene.key, amount=amount, **changes))


async def mandate_of(scene):
    return await scene.reader.get(Mandate, scene.key)


async def test_a_mandate_says_what_was_signed(mandated):
    shown = mandated.mandate
    assert (shown.payment_max.amount_minor, shown.day_max.amount_minor) == (5_000, 8_000)
    assert (shown.day_zone, shown.state) == ("Asia/Shanghai", mandate_pb2.Mandate.STATE_ACTIVE)
    row = await mandate_of(mandated)
    confirmation = await mandated.reader.get(Confirmation, row.confirmation)
    assert confirmation.subject == shown.name


async def test_a_mandate_is_told_again_also_where_its_instrument_is_gone(enrolled):
    card = f"partners/acme/payers/ama/instruments/ins-{'0' * 26}"
    request = enrolled.finishing_of(await enrolled.start_mandate(instrument=card))
    first = await enrolled.call(ACME, enrolled.confirmations.FinishMandate, request)
    enrolled.shelf.removed.add(card)
    again = await enrolled.call(ACME, enrolled.confirmations.FinishMandate, request)
    assert (again.mandate, again.replayed) == (first.mandate, True)
    request.assertion_json = "{}"
    other = enrolled.call(ACME, enrolled.confirmations.FinishMandate, request)
    assert await refused(other) is Reason.IDEMPOTENCY_MISMATCH


async def test_one_payment_stays_within_its_limit(mandated):
    await pay(mandated, 5_000)
    assert await refused(pay(mandated, 5_001)) is Reason.MANDATE_LIMIT_EXCEEDED
    assert (await mandate_of(mandated)).spent_total == 5_000


async def test_a_day_stays_within_its_limit_and_the_next_begins_anew(mandated):
    await pay(mandated, 5_000)
    await pay(mandated, 3_000)
    assert await refused(pay(mandated, 1)) is Reason.MANDATE_LIMIT_EXCEEDED
    await mandated.advance_business(DAY)
    await pay(mandated, 5_000)
    row = await mandate_of(mandated)
    assert (row.spent_day, row.spent_total) == (5_000, 13_000)


async def test_the_day_begins_in_the_payees_zone(mandated):
    from keelpay_server.auth.mandate import day_of

    midnight_in_shanghai = 1_800_028_800_000_000
    assert day_of(midnight_in_shanghai, "Asia/Shanghai") == day_of(midnight_in_shanghai - 1, "Asia/Shanghai") + 1
    assert day_of(midnight_in_shanghai, "UTC") == day_of(midnight_in_shanghai - 1, "UTC")


async def test_many_payments_of_one_batch_share_the_limit(mandated):
    outcomes = await mandated.engine.execute_many([PayUnder(mandate=mandated.key, amount=2_000) for _ in range(6)])
    assert sum(1 for outcome in outcomes if outcome.refusal is None) == 4


async def test_a_mandate_is_for_one_payee_one_payer_one_currency_one_instrument(mandated):
    assert await refused(pay(mandated, 1, merchant="bar")) is Reason.MANDATE_PAYEE_MISMATCH
    assert await refused(pay(mandated, 1, payer=BEN)) is Reason.MANDATE_PAYEE_MISMATCH
    assert await refused(pay(mandated, 1, currency="USD")) is Reason.CURRENCY_MISMATCH
    assert await refused(pay(mandated, 1, instrument=b"i" * 16)) is Reason.MANDATE_PAYEE_MISMATCH


async def test_a_mandate_is_exhausted_by_its_last_cent(enrolled):
    enrolled.mandate = await enrolled.finish_mandate(await enrolled.start_mandate(total=8_000))
    enrolled.key = parse_mandate(enrolled.mandate.name)[1]
    await pay(enrolled, 5_000)
    await enrolled.advance_business(DAY)
    assert await refused(pay(enrolled, 3_001)) is Reason.MANDATE_LIMIT_EXCEEDED
    await pay(enrolled, 3_000)
    assert (await mandate_of(enrolled)).state == MandateState.EXHAUSTED
    assert await refused(pay(enrolled, 1)) is Reason.MANDATE_ENDED


async def test_a_mandate_ends_by_the_business_clock(mandated):
    await mandated.advance_business(31 * DAY)
    assert await refused(pay(mandated, 1)) is Reason.MANDATE_ENDED
    assert "mandate.expiry" in await mandated.run_due()
    assert (await mandate_of(mandated)).state == MandateState.EXPIRED


async def test_a_revoked_mandate_pays_nothing(mandated):
    request = confirmation_service_pb2.RevokeMandateRequest(name=mandated.mandate.name, request_id=fresh())
    payer = await mandated.payer_caller(3)
    answer = await mandated.call(payer, mandated.confirmations.RevokeMandate, request)
    assert answer.mandate.state == mandate_pb2.Mandate.STATE_REVOKED
    assert await refused(pay(mandated, 1)) is Reason.MANDATE_ENDED
    again = confirmation_service_pb2.RevokeMandateRequest(name=mandated.mandate.name, request_id=fresh())
    assert await refused(mandated.call(payer, mandated.confirmations.RevokeMandate, again)) is Reason.ILLEGAL_TRANSITION


async def test_limits_must_fit_each_other(enrolled):
    assert await refused(enrolled.start_mandate(payment_max=9_000)) is Reason.FIELD_INVALID
    assert await refused(enrolled.start_mandate(total=7_999)) is Reason.FIELD_INVALID


async def test_a_mandate_lives_400_days_at_most(enrolled):
    request = confirmation_service_pb2.StartMandateRequest(parent="merchants/cafe", request_id=fresh())
    request.mandate.payer = "partners/acme/payers/ama"
    for limit in (request.mandate.payment_max, request.mandate.day_max):
        limit.CopyFrom(Money(currency_code="CNY", amount_minor=1))
    for seconds in (enrolled.now_s() - 1, enrolled.now_s() + 401 * 86_400):
        request.mandate.expire_time.seconds = seconds
        asked = enrolled.call(ACME, enrolled.confirmations.StartMandate, request)
        assert await refused(asked) is Reason.FIELD_INVALID


async def test_a_new_passkey_signs_no_large_mandate(scene):
    await scene.enrol()
    assert await refused(scene.start_mandate(day_max=200_001)) is Reason.PASSKEY_LIMIT_EXCEEDED


async def test_a_merchant_that_changed_its_name_gets_another_signature(enrolled):
    asked = await enrolled.start_mandate()
    merchant = await enrolled.reader.get(Merchant, "cafe")
    await enrolled.engine.execute(Rename(merchant="cafe", name="Casino"))
    assert merchant.display_name == "Café 北京"
    assert await refused(enrolled.finish_mandate(asked)) is Reason.CONFIRMATION_MISMATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Command):
    merchant: str
    name: str

    def needs(self, need):
        need.row(Merchant, self.merchant)

    def decide(self, world):
        return Changes(world.require(Merchant, self.merchant)._replace(display_name=self.name))


async def test_a_payments_confirmation_makes_no_mandate_and_is_gone(enrolled):
    asked = await enrolled.start()
    assert await refused(enrolled.finish_mandate(asked)) is Reason.CONFIRMATION_REPLAYED
    row = await enrolled.stored(Confirmation, asked.name, "confirmations")
    assert row.state == ConfirmationState.CONSUMED


async def test_a_mandates_confirmation_pays_nothing(enrolled):
    asked = await enrolled.start_mandate()
    proof = await enrolled.proof(asked)
    spent = enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms()))
    assert await refused(spent) is Reason.CONFIRMATION_REPLAYED


async def test_a_mandate_of_one_merchant_is_finished_for_no_other(enrolled):
    await enrolled.call(ACME, enrolled.partners.CreateMerchant, merchant_request("bar"))
    asked = await enrolled.start_mandate()
    assert await refused(enrolled.finish_mandate(asked, merchant="bar")) is Reason.CONFIRMATION_REPLAYED


async def test_another_partners_payer_gives_no_mandate(enrolled):
    await enrolled.call(OTHER, enrolled.partners.CreateMerchant, merchant_request("pub", "other"))
    request = confirmation_service_pb2.StartMandateRequest(parent="merchants/pub", request_id=fresh())
    request.mandate.CopyFrom(
        mandate_pb2.Mandate(
            payer="partners/acme/payers/ama", payment_max=Money(currency_code="CNY", amount_minor=1),
            day_max=Money(currency_code="CNY", amount_minor=1),
        )
    )  # fmt: skip
    request.mandate.expire_time.seconds = enrolled.now_s() + 86_400
    asked = enrolled.call(ACME, enrolled.confirmations.StartMandate, request)
    assert await refused(asked) is Reason.RESOURCE_NOT_FOUND


async def test_limits_are_of_one_known_currency(enrolled):
    request = confirmation_service_pb2.StartMandateRequest(parent="merchants/cafe", request_id=fresh())
    request.mandate.payer = "partners/acme/payers/ama"
    request.mandate.payment_max.CopyFrom(Money(currency_code="CNY", amount_minor=1))
    request.mandate.day_max.CopyFrom(Money(currency_code="USD", amount_minor=1))
    assert await refused(enrolled.call(ACME, enrolled.confirmations.StartMandate, request)) is Reason.FIELD_INVALID
    request.mandate.payment_max.currency_code = "XXX"
    assert await refused(enrolled.call(ACME, enrolled.confirmations.StartMandate, request)) is Reason.CURRENCY_UNKNOWN


async def test_lists_show_a_caller_its_own(mandated):
    def ask(caller, parent="merchants/cafe", filter_=""):
        request = confirmation_service_pb2.ListMandatesRequest(parent=parent, filter=filter_)
        return mandated.call(caller, mandated.confirmations.ListMandates, request)

    ama = await mandated.payer_caller(3)
    ben = await mandated.payer_caller(3, BEN)
    assert [row.name for row in (await ask(ACME)).mandates] == [mandated.mandate.name]
    assert [row.name for row in (await ask(ama, "merchants/-")).mandates] == [mandated.mandate.name]
    assert not (await ask(ben, "merchants/-")).mandates
    assert not (await ask(ACME, filter_="state = REVOKED")).mandates
    named = 'payer = "partners/acme/payers/ama"'
    assert await refused(ask(ben, "merchants/-", named)) is Reason.NOT_OWNER
    assert await refused(ask(OTHER)) is Reason.NOT_OWNER
    assert await refused(ask(ACME, "merchants/-")) is Reason.FILTER_INVALID
    assert ama.kind is CallerKind.PAYER
