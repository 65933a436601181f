"""A suspended passkey: another one of the payer lets it sign again, and nothing and nobody else does."""

import pytest

from keelpay.api.auth.v1 import confirmation_pb2, passkey_pb2, passkey_service_pb2
from keelpay.testing import SoftPasskey
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import ACME, BEN, HOUR, ORIGIN, OTHER, PAYMENT, fresh

_S = passkey_pb2.Passkey
MANAGE = 3


@pytest.fixture
async def suspended(enrolled):
    """Ama's phone was copied; her tablet was not. The copy is `twin`, the phone still `device`."""
    enrolled.tablet = SoftPasskey(origin=ORIGIN)
    caller = await enrolled.payer_caller(MANAGE)
    registration = await enrolled.start_registration(caller)
    asked = await enrolled.start(registration=registration.name)
    signed = enrolled.device.get(asked.options_json)
    enrolled.second = await enrolled.finish_registration(
        caller, registration, enrolled.tablet, confirmation=asked.name, assertion=signed
    )
    enrolled.twin = enrolled.device.clone()
    for _ in range(4):  # the phone is ahead of its copy
        await enrolled.pay(await enrolled.start())
    for _ in range(2):
        asked = await enrolled.start()
        await refused(enrolled.pay(asked, enrolled.twin.get(asked.options_json)))
    assert await state(enrolled) is PasskeyState.SUSPENDED
    return enrolled


async def state(scene):
    return PasskeyState((await scene.stored(Passkey, scene.passkey.name, "passkeys")).state)


def lifting(scene, asked, device, name=None):
    return passkey_service_pb2.ResumePasskeyRequest(
        name=name or scene.passkey.name, request_id=fresh(), confirmation=asked.name,
        assertion_json=device.get(asked.options_json),
    )  # fmt: skip


async def resume(scene, device=None, caller=ACME):
    asked = await scene.start(passkey_resume=scene.passkey.name)
    request = lifting(scene, asked, device or scene.tablet)
    return (await scene.call(caller, scene.passkeys.ResumePasskey, request)).passkey


async def test_another_passkey_of_the_payer_lifts_it(suspended):
    resumed = await resume(suspended)
    assert resumed.state == _S.STATE_ACTIVE
    await suspended.pay(await suspended.start())
    assert await suspended.events("passkey.resumed") == ["passkey.resumed"]


async def test_a_repeated_question_about_what_is_done_gets_the_answer_that_the_first_got(suspended):
    name = suspended.passkey.name
    asked = suspended.question(passkey_resume=name)
    first = await suspended.call(ACME, suspended.confirmations.StartConfirmation, asked)
    request = lifting(suspended, first.confirmation, suspended.tablet)
    await suspended.call(ACME, suspended.passkeys.ResumePasskey, request)
    again = await suspended.call(ACME, suspended.confirmations.StartConfirmation, asked)
    assert (again.confirmation.name, again.replayed) == (first.confirmation.name, True)
    asked.method = confirmation_pb2.CONFIRMATION_METHOD_WEBAUTHN
    other = suspended.call(ACME, suspended.confirmations.StartConfirmation, asked)
    assert await refused(other) is Reason.IDEMPOTENCY_MISMATCH
    new = suspended.call(ACME, suspended.confirmations.StartConfirmation, suspended.question(passkey_resume=name))
    assert await refused(new) is Reason.RESOURCE_NOT_FOUND


async def test_it_confirms_small_amounts_only_for_a_day(suspended):
    suspended.clock.advance(25 * HOUR)
    assert (await resume(suspended)).HasField("amount_limit")
    large = suspended.settings.new_passkey_limit("CNY") + 1
    suspended.shelf.payments[PAYMENT]["amount_minor"] = large
    asked = await suspended.start()
    with pytest.raises(LookupError):  # the tablet alone is listed
        suspended.device.get(asked.options_json)
    suspended.clock.advance(25 * HOUR)
    await suspended.pay(await suspended.start())


async def test_its_counter_stays_and_one_more_regression_within_the_day_suspends_it_at_once(suspended):
    await resume(suspended)
    asked = await suspended.start()
    refusal = await refused(suspended.pay(asked, suspended.twin.get(asked.options_json)))
    assert refusal is Reason.PASSKEY_COUNTER_REGRESSED
    assert await state(suspended) is PasskeyState.SUSPENDED


async def test_it_does_not_speak_for_itself(suspended):
    asked = await suspended.start(passkey_resume=suspended.passkey.name)
    with pytest.raises(LookupError):
        suspended.device.get(asked.options_json)


async def test_a_payer_whose_passkeys_are_all_suspended_has_nobody_to_ask(suspended):
    request = passkey_service_pb2.RevokePasskeyRequest(name=suspended.second.name, request_id=fresh())
    await suspended.call(ACME, suspended.passkeys.RevokePasskey, request)
    asked = suspended.start(passkey_resume=suspended.passkey.name)
    assert await refused(asked) is Reason.PASSKEY_NOT_ACTIVE


async def test_a_confirmation_of_something_else_lifts_nothing(suspended):
    asked = await suspended.start()
    request = lifting(suspended, asked, suspended.tablet)
    lifted = suspended.call(ACME, suspended.passkeys.ResumePasskey, request)
    assert await refused(lifted) is Reason.CONFIRMATION_REPLAYED
    assert await state(suspended) is PasskeyState.SUSPENDED


async def test_only_a_suspended_passkey_is_lifted(suspended):
    assert await refused(suspended.start(passkey_resume=suspended.second.name)) is Reason.RESOURCE_NOT_FOUND
    asked = await suspended.start(passkey_resume=suspended.passkey.name)
    request = lifting(suspended, asked, suspended.tablet)
    await suspended.call(ACME, suspended.passkeys.ResumePasskey, request)
    again = passkey_service_pb2.ResumePasskeyRequest(
        name=request.name, request_id=fresh(), confirmation=request.confirmation, assertion_json=request.assertion_json
    )
    assert await refused(suspended.call(ACME, suspended.passkeys.ResumePasskey, again)) is Reason.ILLEGAL_TRANSITION


async def test_a_stranger_lifts_nothing(suspended):
    asked = await suspended.start(passkey_resume=suspended.passkey.name)
    request = lifting(suspended, asked, suspended.tablet)
    for caller in (OTHER, await suspended.payer_caller(MANAGE, BEN)):
        lifted = suspended.call(caller, suspended.passkeys.ResumePasskey, request)
        assert await refused(lifted) is Reason.NOT_OWNER


async def test_nothing_is_lifted_while_a_recovery_cools(suspended):
    asked = await suspended.start(passkey_resume=suspended.passkey.name)
    await suspended.start_recovery(SoftPasskey(origin=ORIGIN))
    request = lifting(suspended, asked, suspended.tablet)
    lifted = suspended.call(ACME, suspended.passkeys.ResumePasskey, request)
    assert await refused(lifted) is Reason.RECOVERY_IN_PROGRESS


async def test_a_payer_asks_for_it_in_a_session_to_manage_and_in_no_other(suspended):
    pay = await suspended.payer_caller(1, payment=PAYMENT)
    asked = suspended.start(caller=pay, passkey_resume=suspended.passkey.name)
    assert await refused(asked) is Reason.SCOPE_MISSING
    resumed = await resume(suspended, caller=await suspended.payer_caller(MANAGE))
    assert resumed.state == _S.STATE_ACTIVE
