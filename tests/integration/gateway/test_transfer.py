"""Top-ups and withdrawals through the real engine: a balance moves only by a bank's word or the payer's own."""

import secrets

import pytest

from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.confirmation_commands import Ceremony, StartConfirmation
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.auth.proof import Proof
from keelpay_server.auth.terms import ConfirmationMethod, WithdrawalTerms
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.rail import OperationOutcome
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.gateway.transfer_commands import TopUp, Withdraw

from .shop import ACME, AMA, Put

_O = OperationState


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason


async def passkey_of(shop):
    """A passkey of Ama's, no longer new."""
    row = Passkey(
        id=secrets.token_bytes(16), payer=AMA, display_name="phone", state=PasskeyState.ACTIVE, state_version=1,
        credential=secrets.token_bytes(16), public_key=b"", handle=b"h", sign_count=0, backup_eligible=False,
        backup_state=False, aaguid="", transports="internal", spc=False, browser_keys="", devices="",
        registration=bytes(16), regressed_time=0, trusted_time=0, cooling_end_time=0, last_use_time=0, revoked_by="",
        create_time=1, update_time=1,
    )  # fmt: skip
    await shop.run(Put(rows=(row,)))
    return row


async def proof_of(shop, amount, instrument, failure=""):
    """What verifying Ama's signature of a withdrawal gives."""
    terms = WithdrawalTerms(
        payer_id=names.payer_name(AMA), currency="CNY", amount_minor=amount,
        instrument_id=names.instrument_name(AMA, instrument.id), instrument_display=instrument.display,
        rp_id="pay.example.com",
    )  # fmt: skip
    key = await passkey_of(shop)
    ceremony = Ceremony(method=ConfirmationMethod.WEBAUTHN, nonce=secrets.token_bytes(32), life_s=120, limit_minor=0)
    row = await shop.run(StartConfirmation(payer=AMA, terms=terms, ceremony=ceremony))
    return Proof(row.id, AMA, key.id, failure, sign_count=1)


async def withdraw(shop, amount, instrument=None, *, signed=None, failure=""):
    used = instrument or shop.card
    proof = await proof_of(shop, signed or amount, used, failure)
    command = Withdraw(caller=ACME, payer=AMA, instrument=used.id, currency="CNY", amount=amount, proof=proof)
    outcome = await shop.engine.execute(command)
    return outcome.row


async def test_a_top_up_opens_the_balance_and_fills_it_when_the_bank_has_paid(shop):
    transfer = await shop.fill(5_000)
    assert transfer.state == _O.SUCCEEDED
    assert await shop.held() == (5_000, 0)
    await shop.fill(1_000)
    assert await shop.held() == (6_000, 0)
    assert (await shop.get(Payer, AMA)).currencies == "CNY"


async def test_a_declined_top_up_leaves_nothing(shop):
    transfer = await shop.fill(5_000, await shop.instrument("tok-insufficient-funds"))
    assert (transfer.state, transfer.code) == (_O.DECLINED, "INSUFFICIENT_FUNDS")
    assert await shop.held() == (0, 0)


async def test_a_late_top_up_is_the_payers_all_the_same(shop):
    transfer = await shop.fill(5_000, await shop.instrument("tok-pending-for-ever"))
    (asked,) = await shop.operations(transfer.id)
    assert (transfer.state, asked.state) == (_O.SUBMITTED, _O.UNKNOWN)
    await shop.answer(asked, OperationOutcome.FAILED, "PROCESSING_ERROR")
    await shop.answer(asked, OperationOutcome.SUCCEEDED)
    assert await shop.held() == (5_000, 0)
    assert (await shop.get(Transfer, transfer.id)).state == _O.SUCCEEDED


async def test_a_withdrawal_is_held_until_the_bank_has_paid_and_names_its_confirmation(shop):
    await shop.fill(10_000)
    transfer = await withdraw(shop, 4_000, await shop.instrument("tok-pending-for-ever"))
    await shop.settle()
    assert await shop.held() == (10_000, 4_000)
    confirmation = await shop.get(Confirmation, transfer.confirmation)
    assert confirmation.state == ConfirmationState.CONSUMED
    await shop.answer((await shop.operations(transfer.id))[0], OperationOutcome.SUCCEEDED)
    transfer = await shop.get(Transfer, transfer.id)
    assert (transfer.state, transfer.held, transfer.in_transit) == (_O.SUCCEEDED, 0, 4_000)
    assert await shop.held() == (6_000, 0)


async def test_a_declined_withdrawal_frees_the_money(shop):
    await shop.fill(10_000)
    transfer = await withdraw(shop, 4_000, await shop.instrument("tok-payout-declined"))
    await shop.settle()
    assert (await shop.get(Transfer, transfer.id)).state == _O.DECLINED
    assert await shop.held() == (10_000, 0)


async def test_a_withdrawal_that_comes_back_is_the_payers_again_once(shop):
    await shop.fill(10_000)
    transfer = await withdraw(shop, 4_000)
    await shop.settle()
    assert await shop.held() == (6_000, 0)
    (asked,) = await shop.operations(transfer.id)
    for _ in range(2):
        await shop.answer(asked, OperationOutcome.RETURNED, "ACCOUNT_CLOSED")
    assert await shop.held() == (10_000, 0)
    assert (await shop.get(Transfer, transfer.id)).state == _O.FAILED


async def test_a_withdrawal_paid_after_all_is_an_open_item(shop):
    await shop.fill(10_000)
    transfer = await withdraw(shop, 4_000, await shop.instrument("tok-pending-for-ever"))
    await shop.settle()
    (asked,) = await shop.operations(transfer.id)
    await shop.answer(asked, OperationOutcome.FAILED, "PROCESSING_ERROR")
    await shop.answer(asked, OperationOutcome.SUCCEEDED)
    transfer = await shop.get(Transfer, transfer.id)
    assert (transfer.in_transit, transfer.in_suspense) == (4_000, -4_000)
    assert await shop.held() == (10_000, 0)


async def test_other_terms_than_the_signed_ones_spend_the_confirmation_and_move_nothing(shop):
    await shop.fill(10_000)
    await refused(withdraw(shop, 5_000, signed=4_000), Reason.CONFIRMATION_MISMATCH)
    await refused(withdraw(shop, 5_000, failure="signature"), Reason.CONFIRMATION_SIGNATURE_INVALID)
    rows = await shop.reader.find(Confirmation, {"payer": AMA})
    assert {row.state for row in rows} == {ConfirmationState.CONSUMED}
    assert await shop.held() == (10_000, 0)


async def test_a_withdrawal_is_refused_where_it_must_not_be(shop):
    await refused(withdraw(shop, 1), Reason.INSUFFICIENT_FUNDS)
    await shop.fill(10_000)
    await refused(withdraw(shop, 10_001), Reason.INSUFFICIENT_FUNDS)
    payer = await shop.get(Payer, AMA)
    await shop.run(Put(rows=(payer._replace(withdraw_after=1 << 60),)))
    await refused(withdraw(shop, 1), Reason.RECOVERY_IN_PROGRESS)
    await shop.run(Put(rows=(payer._replace(state=PayerState.FROZEN),)))
    await refused(withdraw(shop, 1), Reason.PAYER_FROZEN)


async def test_an_instrument_of_another_payer_or_currency_is_refused(shop):
    strange = await shop.instrument("card", payer="acme/ben")
    top_up = {"caller": ACME, "payer": AMA, "amount": 1}
    await refused(shop.run(TopUp(instrument=strange.id, currency="CNY", **top_up)), Reason.RESOURCE_NOT_FOUND)
    await refused(shop.run(TopUp(instrument=shop.card.id, currency="USD", **top_up)), Reason.UNSUPPORTED_BY_RAIL)
    removed = await shop.instrument("card", state=2)
    await refused(shop.run(TopUp(instrument=removed.id, currency="CNY", **top_up)), Reason.INSTRUMENT_NOT_USABLE)
