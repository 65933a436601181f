"""A link opens once and in time, its session goes on for a while, and a newer one ends both."""

import pytest

from keelpay_server.auth.payer_link import (
    REPEAT_US,
    SESSION_US_MIN,
    TRANSITIONS,
    PayerLink,
    PayerLinkState,
    move,
    read_attestation,
    require_open,
    require_repeat,
    require_session,
    target_of,
    write_attestation,
)
from keelpay_server.auth.token import Attestation, PayerPurpose
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

START, LIFE = 1_800_000_000_000_000, 1_800_000_000
END = START + LIFE
LINK = PayerLink(
    id=bytes(16), digest=bytes(32), seed=bytes(32), payer="acme/ama", purpose="pay",
    payment="merchants/cafe/payments/p", attestation="", client_key="key-1",
    live_target="pay:merchants/cafe/payments/p", state=PayerLinkState.OPEN,
    open_time=0, device="", expire_time=END, create_time=START, update_time=START,
)  # fmt: skip


def opened(at_us):
    return move(LINK, PayerLinkState.USED, at_us, open_time=at_us)


def reason(check, link, at_us):
    try:
        check(link, at_us)
    except Refused as refused:
        return refused.reason
    return None


def test_every_state_is_reached_and_only_the_newest_link_counts():
    reached = {PayerLinkState.OPEN}
    for _ in PayerLinkState:
        reached |= {to for state in reached for to in TRANSITIONS[state]}
    assert reached == set(PayerLinkState)
    assert TRANSITIONS[PayerLinkState.REPLACED] == frozenset()
    with pytest.raises(Refused):
        move(opened(START), PayerLinkState.OPEN, START)


@pytest.mark.parametrize(
    "link,at_us,expected",
    [
        (LINK, END - 1, None),
        (LINK, END, Reason.CHECKOUT_LINK_EXPIRED),
        (opened(START), START + 1, Reason.CHECKOUT_LINK_USED),
        (opened(START), END, Reason.CHECKOUT_LINK_USED),
        (move(LINK, PayerLinkState.REPLACED, START), START, Reason.CHECKOUT_LINK_REPLACED),
    ],
)
def test_a_link_opens_once_before_its_end(link, at_us, expected):
    assert reason(require_open, link, at_us) is expected


def test_a_session_lasts_as_long_as_its_link_and_ten_minutes_at_least():
    early, late = opened(START), opened(END - 1)
    assert early.session_end_time == END
    assert late.session_end_time == END - 1 + SESSION_US_MIN
    assert reason(require_session, early, END - 1) is None
    assert reason(require_session, early, END) is Reason.CHECKOUT_LINK_EXPIRED
    assert reason(require_session, late, END + SESSION_US_MIN - 2) is None
    assert reason(require_session, late, END + SESSION_US_MIN - 1) is Reason.CHECKOUT_LINK_EXPIRED


def test_a_link_that_nobody_opened_has_no_session():
    assert reason(require_session, LINK, START) is Reason.CHECKOUT_LINK_EXPIRED


def test_a_newer_link_ends_the_session_of_an_earlier_one():
    ended = move(opened(START), PayerLinkState.REPLACED, START + 1)
    assert reason(require_session, ended, START + 2) is Reason.CHECKOUT_LINK_REPLACED


def test_the_same_opening_is_answered_again_for_two_minutes():
    link = opened(START)
    assert reason(require_repeat, link, START + REPEAT_US - 1) is None
    assert reason(require_repeat, link, START + REPEAT_US) is Reason.CHECKOUT_LINK_USED


def test_links_of_one_payment_or_of_one_payers_purpose_are_for_the_same():
    pay = target_of(PayerPurpose.PAY, "acme/ama", "merchants/cafe/payments/p")
    assert pay == target_of(PayerPurpose.PAY, "acme/ben", "merchants/cafe/payments/p")
    assert target_of(PayerPurpose.ENROL, "acme/ama", "") != target_of(PayerPurpose.MANAGE, "acme/ama", "")
    assert target_of(PayerPurpose.ENROL, "acme/ama", "") != target_of(PayerPurpose.ENROL, "acme/ben", "")


def test_how_the_partner_knew_the_person_is_kept_whole():
    known = Attestation(authenticated_at_s=1_800_000_000, methods=("otp", "face"), digest="abc")
    assert read_attestation(write_attestation(known)) == known
    assert read_attestation(write_attestation(None)) is None
