"""What a scorer sees of a payment."""

from math import isclose

from keelpay_server.risk import counter as counters
from keelpay_server.risk.consent import BrowserKey, Consent, ConsentMethod, Site
from keelpay_server.risk.decision import assess, facts_of
from keelpay_server.risk.features import UNKNOWN, Features, features, from_snapshot, snapshot
from keelpay_server.risk.magnitude import magnitude
from tests.unit.risk.stage import DAY_US, HOUR_US, signals


def seen(stage, **changes) -> Features:
    told = signals(**changes)
    return features(facts_of(assess(stage.world, told)), stage.counters.view(), stage.now_us, told.consent)


def test_of_a_stranger_nothing_is_known(stage):
    found = seen(stage)
    assert found.payer_count_30 == 0
    assert found.payer_hours == UNKNOWN
    assert found.payer_over_largest == UNKNOWN
    assert found.device_uses == 0
    assert found.payee_uses == 0


def test_what_is_not_told_is_unknown_and_not_zero(stage):
    found = seen(stage, device="", instrument="", address="")
    assert found.device_uses == found.instrument_ratio_30 == found.address_attempts_1 == UNKNOWN


def test_nobody_has_said_yes_yet(stage):
    assert seen(stage)[-6:] == (0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)


def test_the_passkey_behind_a_confirmation_is_seen(stage):
    found = seen(stage, consent=Consent(ConsentMethod.SPC, True, 90 * HOUR_US, 2 * HOUR_US, BrowserKey.NEW, Site.APP))
    assert (found.consent_method, found.passkey_synced, found.passkey_hours) == (2, 1, 90)
    assert (found.passkey_regressed_hours, found.passkey_browser, found.passkey_site) == (2, 3, 2)
    assert from_snapshot(snapshot(found))[-6:] == found[-6:]


def test_a_mandate_has_no_passkey_to_tell_of(stage):
    found = seen(stage, consent=Consent(ConsentMethod.MANDATE))
    assert (found.consent_method, found.passkey_hours, found.passkey_browser) == (3, UNKNOWN, UNKNOWN)


def test_a_payment_is_compared_with_what_was_before_it(stage):
    stage.settle_in(times=30)
    found = seen(stage, amount=4_500)
    assert isclose(found.payer_ratio_30, 10)
    assert found.payer_over_largest == 10
    assert found.payer_z_30 > 6
    assert found.payee_uses == found.device_uses == 30


def test_counts_halve_in_a_half_life(stage):
    stage.pay(days=7)
    found = seen(stage)
    assert isclose(found.payer_count_7, 0.5)
    assert isclose(found.payer_count_1, 1 / 128)
    assert isclose(found.payer_hours, 7 * 24)


def test_a_device_of_another_account_is_seen(stage):
    stage.pay(payer="acme/bob")
    found = seen(stage)
    assert (found.device_others, found.device_uses) == (1, 0)


def test_the_hour_is_of_the_business_clock(stage):
    assert seen(stage).hour == stage.now_us // HOUR_US % 24


def test_a_stored_snapshot_is_read_back(stage):
    stage.settle_in(times=3)
    found = seen(stage, amount=7_777)
    read = from_snapshot(snapshot(found))
    assert all(isclose(a, b, rel_tol=1e-6) for a, b in zip(found, read, strict=True))


def test_one_scale_counts_all_currencies():
    assert magnitude(1000, "USD") == 1000
    assert 120 <= magnitude(1000, "CNY") <= 160
    assert 500 <= magnitude(1000, "JPY") <= 800
    assert magnitude(1, "VND") == 1
    assert magnitude(1_000_000, "USDC") == 100


def test_a_label_taken_back_leaves_nothing():
    time = 1_800_000_000_000_000
    once = counters.count(counters.EMPTY, time, 500, attempt=True, proven=True)
    marked = counters.mark(once, time + DAY_US, 1.0, explained=False)
    later = counters.mark(marked, time + 9 * DAY_US, 0.5, explained=False)
    back = counters.mark(later, time + DAY_US, -1.0, explained=False)
    assert isclose(back.fraud_7, 0.5)
    assert isclose(back.unexplained_30, 0.5)


def test_a_fraud_that_its_payer_explains_does_not_taint_the_payee():
    marked = counters.mark(counters.EMPTY, 1, 1.0, explained=True)
    assert (marked.fraud_7, marked.unexplained_7) == (1.0, 0.0)
