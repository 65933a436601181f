"""Options: usable ones first, then the habit; and never one that the commit would refuse."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.auth.mandate import Mandate, MandateState, day_of
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.gateway.checkout_render import source_of
from keelpay_server.gateway.confirm import terms_of
from keelpay_server.gateway.instrument import Instrument, InstrumentState
from keelpay_server.gateway.payment import Payment
from keelpay_server.gateway.payment_option import Authentication, Means, expired, payment_options

NOW_US = int(datetime(2026, 6, 30, 23, 59, tzinfo=UTC).timestamp()) * 1_000_000
WALLET, BALANCE, CARD = 1, 2, 3
ZONE = "Asia/Shanghai"
PAYER = Payer("acme/ama", "acme", 1, PayerState.ACTIVE, 1, b"h", "CNY", "", "CN", 0, "", 1, 1)


def payment(amount=1_000, channel=BALANCE, instrument=None, bank="", mandate=None):
    fields = dict.fromkeys(Payment._fields, 0)
    return Payment(**{
        **fields, "merchant": "cafe", "payer": "acme/ama", "currency": "CNY", "amount": amount, "channel": channel,
        "instrument": instrument, "mandate": mandate, "bank": bank, "history": "[]",
    })  # fmt: skip


def instrument(key, *, channel=CARD, month=12, year=2030, bank="bank"):
    return Instrument(
        key, "acme/ama", channel, bank, "token", b"", "k1", "f", f"Card {key.hex()[:2]}", "visa", "4242", month, year,
        InstrumentState.ACTIVE, 1, 1, 1,
    )  # fmt: skip


def mandate(**changes):
    made = Mandate(
        id=b"m" * 16, merchant="cafe", payer="acme/ama", instrument=None, currency="CNY", payment_max=1_000,
        day_max=1_500, total_max=0, day_zone=ZONE, state=MandateState.ACTIVE, state_version=1, day=0, spent_day=0,
        spent_total=0, confirmation=bytes(16), expire_time=NOW_US + 1, create_time=1, update_time=1,
    )  # fmt: skip
    return made._replace(**changes)


def means(**changes):
    whole = Means(
        payer=PAYER, instruments=(), mandates=(), available=5_000, wallets=(), rail_of=lambda _channel, bank: bank,
        passkey_obstacle=None, used=(), business_us=NOW_US,
    )  # fmt: skip
    return whole._replace(**changes)


A, B = b"a" * 16, b"b" * 16


def only(options):
    (option,) = options
    return option


@pytest.mark.parametrize("available,obstacle", [(1_000, None), (999, Reason.INSUFFICIENT_FUNDS)])
def test_a_balance_serves_up_to_the_last_cent(available, obstacle):
    option = only(payment_options(payment(), means(available=available)))
    assert (option.obstacle, option.balance, option.selected) == (obstacle, available, True)
    assert option.authentication is Authentication.PASSKEY


def test_who_never_held_a_balance_is_offered_none_unless_the_payment_asks_for_it():
    assert payment_options(payment(channel=CARD), means(available=None)) == []
    assert only(payment_options(payment(), means(available=None))).obstacle is Reason.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    "changes,obstacle",
    [
        ({"passkey_obstacle": Reason.PASSKEY_REQUIRED}, Reason.PASSKEY_REQUIRED),
        ({"payer": PAYER._replace(state=PayerState.FROZEN)}, Reason.PAYER_FROZEN),
        ({"rail_of": lambda _channel, _bank: ""}, Reason.UNSUPPORTED_BY_RAIL),
        ({"instruments": (instrument(A, month=5, year=2026),)}, Reason.INSTRUMENT_NOT_USABLE),
    ],
)
def test_what_stands_against_a_card_is_said(changes, obstacle):
    found = payment_options(
        payment(channel=CARD), means(**{"instruments": (instrument(A),), "available": None, **changes})
    )
    assert only(found).obstacle is obstacle


def test_a_wallet_asks_its_own_payer_so_no_passkey_is_needed():
    found = payment_options(
        payment(channel=CARD),
        means(wallets=("alipay",), available=None, passkey_obstacle=Reason.PASSKEY_REQUIRED),
    )
    assert (only(found).authentication, only(found).available) == (Authentication.WALLET, True)


@pytest.mark.parametrize(
    ("rail", "title"), [("alipay", "Alipay"), ("wechat-pay", "WeChat Pay"), ("sandbox-wallet", "Sandbox wallet")]
)
def test_a_wallet_is_called_by_words_that_are_signed_and_receipted_as_they_are_shown(rail, title):
    paid = payment(channel=WALLET, bank=rail)._replace(id=b"p" * 16)
    shown = only(payment_options(paid, means(wallets=(rail,), available=None))).display
    merchant = Merchant(**{**dict.fromkeys(Merchant._fields, 0), "id": "cafe", "display_name": "Cafe"})
    terms = terms_of(paid, merchant, None)
    assert shown == terms.instrument_display == source_of(paid, None) == title
    assert terms.instrument_id == f"rails/{rail}", "which rail it is stays exact"


def test_a_stored_wallet_takes_the_place_of_its_rail():
    stored = instrument(A, channel=WALLET, bank="alipay", year=0)
    found = payment_options(
        payment(channel=CARD), means(instruments=(stored,), wallets=("alipay", "other"), available=None)
    )
    assert [(option.method.instrument, option.method.bank) for option in found] == [(A, "alipay"), (None, "other")]


@pytest.mark.parametrize(
    "changes,covers",
    [
        ({}, True),
        ({"payment_max": 999}, False),
        ({"day": day_of(NOW_US, ZONE), "spent_day": 501}, False),
        ({"day": day_of(NOW_US, ZONE) - 1, "spent_day": 1_500}, True),
        ({"total_max": 1_000, "spent_total": 1}, False),
        ({"total_max": 1_000}, True),
        ({"state": MandateState.SUSPENDED}, False),
        ({"expire_time": NOW_US}, False),
        ({"currency": "USD"}, False),
        ({"instrument": A}, False),
    ],
)
def test_a_mandate_is_offered_exactly_where_it_covers(changes, covers):
    option = only(payment_options(payment(), means(mandates=(mandate(**changes),))))
    expected = (Authentication.MANDATE, b"m" * 16) if covers else (Authentication.PASSKEY, None)
    assert (option.authentication, option.method.mandate) == expected


def test_a_mandate_has_to_be_chosen_before_it_is_spent():
    for chosen, selected in ((None, False), (b"m" * 16, True), (b"o" * 16, False)):
        option = only(payment_options(payment(mandate=chosen), means(mandates=(mandate(),))))
        assert (option.method.mandate, option.selected) == (b"m" * 16, selected)
    assert not only(payment_options(payment(mandate=b"m" * 16), means())).selected, "it has ended: the finger is chosen"


def test_of_two_mandates_the_payments_own_is_spent():
    both = (mandate(id=b"n" * 16), mandate())
    assert only(payment_options(payment(mandate=b"m" * 16), means(mandates=both))).method.mandate == b"m" * 16
    assert only(payment_options(payment(), means(mandates=both))).method.mandate == b"n" * 16


def test_what_a_mandate_still_allows_is_told():
    spent = {"day": day_of(NOW_US, ZONE), "spent_day": 300, "spent_total": 400}
    for total, left in ((0, 1_200), (1_500, 1_100), (9_000, 1_200)):
        option = only(payment_options(payment(), means(mandates=(mandate(**spent, total_max=total),))))
        assert option.allowance == (1_000, left, NOW_US + 1)


def test_a_stranger_with_a_link_is_offered_no_mandate_and_told_no_balance():
    option = only(payment_options(payment(mandate=b"m" * 16), means(mandates=(mandate(),), stranger=True)))
    assert (option.authentication, option.method.mandate) == (Authentication.PASSKEY, None)
    assert (option.balance, option.allowance, option.available) == (None, None, True)


def test_a_card_serves_through_the_last_day_of_its_month():
    card = instrument(A, month=6, year=2026)
    assert not expired(card, NOW_US)
    assert expired(card, NOW_US + 60_000_000)
    assert not expired(instrument(A, month=0, year=0), NOW_US)


@given(
    st.lists(st.sampled_from([(BALANCE, None), (CARD, A), (CARD, B)]), max_size=5),
    st.integers(0, 2_000),
    st.booleans(),
)
def test_usable_options_come_first_and_among_them_the_habit(used, available, dead):
    cards = (instrument(A), instrument(B, year=2020 if dead else 2030))
    found = payment_options(payment(), means(instruments=cards, available=available, used=used))
    assert [option.available for option in found] == sorted((option.available for option in found), reverse=True)
    usable = [(option.method.channel, option.method.instrument) for option in found if option.available]
    habit = list(dict.fromkeys(each for each in used if each in usable))
    assert usable[: len(habit)] == habit
