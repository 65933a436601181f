"""What risk control says, and in which order its grounds count."""

import pytest

from keelpay_server.book.changes import Event
from keelpay_server.book.projection import NO_COUNTERS
from keelpay_server.risk.consent import BrowserKey, Consent, ConsentMethod, Site
from keelpay_server.risk.decision import Outcome, assess
from keelpay_server.risk.factor import Factor
from keelpay_server.risk.facts import Facts
from keelpay_server.risk.listing import EntryKind, Strength
from keelpay_server.risk.policy import RiskPolicy, Thresholds
from tests.unit.risk.stage import DAY_US, HOUR_US, POLICY, Stage, payment_key, signals, told


def decide(stage, forced=False, degraded=False, **changes):
    return assess(stage.world, signals(**changes), forced_step_up=forced, degraded=degraded)


def raised(decision):
    """The factors that raised the risk, strongest first."""
    return list(dict.fromkeys(reason.factor.name for reason in decision.contributions() if reason.milli >= 0))


def test_a_small_payment_of_a_well_known_payer_passes_without_friction(stage):
    stage.settle_in()
    assert decide(stage, mandate=True).outcome == Outcome.APPROVE


def test_a_new_device_and_a_high_amount_ask_for_a_step_up(stage):
    stage.settle_in()
    decision = decide(stage, device="phone-2", amount=60_000)
    assert decision.outcome == Outcome.STEP_UP
    assert {"AMOUNT_UNUSUAL", "DEVICE_NEW"} <= set(raised(decision))


def test_who_is_still_to_be_asked_has_proven_nothing(stage):
    for changes in ({"mandate": True}, {"channel": 3}):
        assert decide(stage, **changes).proves
        assert not decide(stage, asked=True, **changes).proves


def test_a_confirmed_payment_is_not_asked_for_again(stage):
    stage.settle_in()
    assert decide(stage, device="phone-2", amount=60_000, confirmed=True).outcome == Outcome.APPROVE


def test_how_the_payer_said_yes_moves_the_score(stage):
    stage.settle_in()
    yes = Consent(ConsentMethod.SPC, False, 900 * HOUR_US, None, BrowserKey.NONE, Site.OWN)
    usual = decide(stage, confirmed=True, consent=yes)
    worse = {
        "a copied passkey": yes._replace(regressed_us=HOUR_US),
        "another browser": yes._replace(browser=BrowserKey.NEW),
        "another browser of a synced passkey": yes._replace(browser=BrowserKey.NEW, synced=True),
    }
    found = {name: decide(stage, confirmed=True, consent=consent) for name, consent in worse.items()}
    for name, decision in found.items():
        assert decision.probability_ppm > usual.probability_ppm, name
        assert "PASSKEY" in raised(decision), name
    both = found["another browser of a synced passkey"].probability_ppm
    assert both > found["another browser"].probability_ppm
    known = decide(stage, confirmed=True, consent=yes._replace(browser=BrowserKey.KNOWN))
    assert known.probability_ppm < usual.probability_ppm


def test_a_passkey_made_today_counts_at_a_payee_that_is_new_alone(stage):
    stage.settle_in()
    new = Consent(ConsentMethod.WEBAUTHN, False, HOUR_US, None, BrowserKey.NONE, Site.OWN)
    assert "PASSKEY" not in raised(decide(stage, confirmed=True, consent=new))
    assert "PASSKEY" in raised(decide(stage, confirmed=True, consent=new, merchant="stranger"))


def test_a_stranger_pays_small_amounts_freely_and_large_ones_with_a_step_up(stage):
    assert decide(stage, payer="acme/new", device="").outcome == Outcome.APPROVE
    assert decide(stage, payer="acme/new", device="", amount=80_000).outcome == Outcome.STEP_UP


def test_a_device_of_known_fraud_goes_to_a_person_or_is_blocked(stage):
    stage.settle_in()
    thief = stage.pay(payer="acme/thief", payment=payment_key(2), confirmed=True)
    facts = {key: value for key, value in thief.facts().items() if key not in ("first", "proven")}
    fraud = told(thief)._replace(
        type="risk.reported", data={"facts": facts, "marks": [[1000, stage.now_us]], "explained": False}
    )
    stage.commit(fraud, days=1)
    decision = decide(stage, device="phone-1", amount=90_000, payer="acme/other", instrument="card-1")
    assert decision.outcome >= Outcome.REVIEW
    assert Factor.DEVICE_HISTORY.name in raised(decision)


def test_a_step_up_that_was_not_met_makes_nothing_usual(stage):
    stage.settle_in()
    first = stage.pay(payment=payment_key(2), device="phone-2", amount=60_000)
    again = decide(stage, payment=payment_key(3), device="phone-2", amount=60_000)
    assert (first.outcome, again.outcome) == (Outcome.STEP_UP, Outcome.STEP_UP)
    assert again.probability_ppm >= first.probability_ppm


def test_a_step_up_that_was_met_makes_the_device_usual(stage):
    stage.settle_in()
    first = stage.pay(payment=payment_key(2), device="phone-2")
    asked = stage.pay(payment=payment_key(3), device="phone-3", amount=60_000)
    stage.commit(told(asked, asked.proof()))
    assert first.outcome == Outcome.APPROVE
    assert stage.counters.view().uses("acme/ann", "device", "phone-3") == 1


def test_a_payment_decided_again_is_never_decided_milder(stage):
    stage.settle_in()
    first = stage.pay(payment=payment_key(2), device="phone-2", amount=60_000)
    again = decide(stage, payment=payment_key(2), previous=first.id)
    assert again.outcome == Outcome.STEP_UP
    assert not again.first


def test_a_payment_decided_again_counts_once(stage):
    first = stage.pay()
    before = stage.counters.view().counter("payer", "acme/ann")
    again = stage.pay(previous=first.id)
    assert stage.counters.view().counter("payer", "acme/ann").attempts_1 == before.attempts_1 == 1
    assert again.facts()["first"] is False


def test_a_forced_step_up_stays_forced_even_for_the_allowed(stage):
    stage.list(EntryKind.PAYER, "acme/ann", Strength.ALLOW)
    assert decide(stage).outcome == Outcome.APPROVE
    assert decide(stage, forced=True).outcome == Outcome.STEP_UP
    assert decide(stage, forced=True, confirmed=True).outcome == Outcome.APPROVE


@pytest.mark.parametrize(
    "strengths, outcome",
    [
        ((Strength.HARD_BLOCK, Strength.ALLOW, Strength.BLOCK), Outcome.DECLINE),
        ((Strength.ALLOW, Strength.BLOCK), Outcome.APPROVE),
        ((Strength.BLOCK,), Outcome.BLOCK_AND_REVIEW),
    ],
)
def test_hard_block_beats_allow_beats_block(stage, strengths, outcome):
    values = ((EntryKind.PAYER, "acme/ann"), (EntryKind.DEVICE, "phone-1"), (EntryKind.ADDRESS, "192.0.2.7"))
    for strength, (kind, value) in zip(strengths, values, strict=False):
        stage.list(kind, value, strength)
    decision = decide(stage)
    assert decision.outcome == outcome
    assert Factor.LIST in {reason.factor for reason in decision.contributions()}


def test_a_hard_block_holds_for_the_confirmed_and_the_forced(stage):
    stage.list(EntryKind.PAYEE, "merchants/cafe", Strength.HARD_BLOCK)
    assert decide(stage, forced=True, confirmed=True).outcome == Outcome.DECLINE


def test_an_entry_that_ended_matches_nothing(stage):
    stage.list(EntryKind.PAYER, "partners/acme/payers/ann", Strength.BLOCK, expire_time=stage.now_us + DAY_US)
    assert decide(stage).outcome == Outcome.BLOCK_AND_REVIEW
    stage.commit(days=1)
    assert decide(stage).outcome == Outcome.APPROVE


def test_an_allow_entry_overrides_what_the_payment_was_told_before(stage):
    stage.list(EntryKind.PAYER, "acme/ann", Strength.BLOCK)
    first = stage.pay()
    stage.list(EntryKind.PAYER, "acme/ann", Strength.ALLOW)
    assert decide(stage, previous=first.id).outcome == Outcome.APPROVE


def test_degraded_steps_up_above_an_amount_and_lets_the_rest_pass(stage):
    large, small = decide(stage, degraded=True, amount=5_000), decide(stage, degraded=True, amount=4_999)
    assert (large.outcome, small.outcome) == (Outcome.STEP_UP, Outcome.APPROVE)
    assert large.degraded
    assert large.model_version == ""
    assert large.features == b""
    assert raised(large) == ["BUDGET"]


def test_degraded_still_asks_the_lists(stage):
    stage.list(EntryKind.INSTRUMENT, "card-1", Strength.HARD_BLOCK)
    assert decide(stage, degraded=True).outcome == Outcome.DECLINE


def test_the_control_group_is_challenged_instead_of_blocked(stage):
    facts = stage.pay(confirmed=True).facts()
    marked = {"facts": {key: facts[key] for key in Facts._fields}, "marks": [[9000, stage.now_us]], "explained": False}
    for share, outcome in ((1_000_000, Outcome.STEP_UP), (0, Outcome.BLOCK_AND_REVIEW)):
        other = Stage(POLICY._replace(thresholds=Thresholds(block_ppm=2, decline_ppm=10**7, control_ppm=share)))
        other.commit(Event("risk.reported", "dec", b"", 1, "", marked))
        decision = decide(other)
        assert decision.outcome == outcome
        assert ("CONTROL_GROUP" in raised(decision)) is (share > 0)


def test_no_address_is_kept_in_clear(stage):
    decision = decide(stage)
    assert "192.0.2.7" not in repr(decision)
    assert decision.address
    assert decide(Stage(RiskPolicy())).address == ""


def test_an_engine_without_counters_still_decides(stage):
    stage.world.counters = NO_COUNTERS
    assert decide(stage).outcome == Outcome.APPROVE


def test_a_decision_keeps_at_most_eight_reasons(stage):
    stage.settle_in()
    assert 0 < len(decide(stage, device="phone-2", amount=60_000).contributions()) <= 8


def test_only_decisions_for_a_person_name_a_review(stage):
    assert decide(stage).review is None
    stage.list(EntryKind.PAYER, "acme/ann", Strength.BLOCK)
    assert decide(stage).review is not None


def test_a_balance_payment_is_proven_by_its_payer_and_counted_once(stage):
    first = stage.pay(channel=2)
    assert (first.outcome, first.proves) == (Outcome.APPROVE, False)
    second = stage.pay(channel=2, confirmed=True, previous=first.id)
    third = stage.pay(channel=2, confirmed=True, previous=second.id)
    assert (second.proves, third.proves, third.proven) == (True, False, True)
    counter = stage.counters.view().counter("payer", "acme/ann")
    assert (counter.attempts_1, counter.count_1) == (1, 1)


def test_guests_do_not_become_familiar_to_each_other(stage):
    for number in range(5):
        stage.pay(payer="", payment=payment_key(number), confirmed=True)
    decision = decide(stage, payer="")
    sources = {reason.source for reason in decision.contributions()}
    assert not sources & {"payee_familiar", "device_familiar", "device_shared", "payee_new", "device_new"}
    assert stage.counters.view().owners("phone-1") == ()
