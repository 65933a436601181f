"""What became known about a payment, and who may overrule whom."""

import pytest

from keelpay_server.auth.passkey import Passkey, event_of
from keelpay_server.book.changes import Changes
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.risk.counters import REGRESSED_MILLI
from keelpay_server.risk.label import WEIGHTS_MILLI, Label, Report, latest, report
from tests.unit.risk.stage import BANK, OPERATOR, PARTNER


@pytest.fixture
def decision(stage):
    made = stage.pay()
    stage.knows(made.payment)
    return made


def fraud_of(stage, kind="payer", key="acme/ann"):
    return stage.counters.view().counter(kind, key).fraud_30


def label(stage, decision, what, caller=OPERATOR, **changes) -> Changes:
    stage.world.caller = caller
    changes = report(stage.world, decision, what, **changes)
    stage.apply(changes)
    return changes


def test_a_fraud_moves_the_counters_of_everybody_at_once(stage, decision):
    label(stage, decision, Label.FRAUD)
    for kind, key in (("payer", "acme/ann"), ("device", "phone-1"), ("instrument", "card-1"), ("merchant", "cafe")):
        assert fraud_of(stage, kind, key) == 1
    assert fraud_of(stage, "address", decision.address) == 1


def test_a_later_label_replaces_the_earlier_one(stage, decision):
    label(stage, decision, Label.DISPUTE)
    assert fraud_of(stage) == 0.5
    stage.commit(days=20)
    label(stage, decision, Label.FRAUD)
    assert fraud_of(stage) == pytest.approx(1)
    stage.commit(days=3)
    label(stage, decision, Label.LEGITIMATE)
    assert fraud_of(stage) == pytest.approx(0, abs=1e-12)


def test_the_same_label_again_changes_nothing(stage, decision):
    first = label(stage, decision, Label.FRAUD)
    again = label(stage, decision, Label.FRAUD)
    assert again.events == ()
    assert again.row == first.row


@pytest.mark.parametrize("knowing, knowing_less", [(OPERATOR, PARTNER), (OPERATOR, BANK), (BANK, PARTNER)])
def test_who_knows_less_never_overrules_who_knows_more(stage, decision, knowing, knowing_less):
    label(stage, decision, Label.FRAUD, knowing)
    with pytest.raises(Refused) as refused:
        label(stage, decision, Label.LEGITIMATE, knowing_less)
    assert refused.value.reason is Reason.ILLEGAL_TRANSITION
    assert fraud_of(stage) == 1


def test_who_knows_more_overrules(stage, decision):
    label(stage, decision, Label.LEGITIMATE, PARTNER)
    assert label(stage, decision, Label.FRAUD, BANK).row.rank == 2


def test_nothing_is_found_out_before_it_happens(stage, decision):
    with pytest.raises(Refused) as refused:
        report(stage.world, decision, Label.FRAUD, observe_time=stage.now_us + 1)
    assert refused.value.reason is Reason.FIELD_INVALID


def test_every_label_has_a_weight_and_only_proof_counts_whole():
    assert set(WEIGHTS_MILLI) == set(Label)
    assert [name for name, weight in WEIGHTS_MILLI.items() if weight == 1000] == [Label.FRAUD]


def test_the_latest_decision_is_the_newest(stage, decision):
    assert latest([decision, stage.pay(), decision]).id > decision.id


def test_a_report_is_keyed_by_its_payment(stage, decision):
    row = label(stage, decision, Label.FRAUD, BANK, source="notice 7").row
    assert isinstance(row, Report)
    assert (row.id, row.decision, row.reporter) == (decision.payment, decision.id, "bank:bank-1")


def test_a_passkey_that_may_have_been_copied_counts_against_its_payer_alone_as_a_failed_step_up_does(stage, decision):
    for _ in range(2):
        stage.apply(Changes(events=(_copied("acme/ann"),)))
    assert fraud_of(stage) == pytest.approx(2 * REGRESSED_MILLI / 1000, abs=1e-3)
    assert fraud_of(stage, "device", "phone-1") == 0
    assert WEIGHTS_MILLI[Label.STEP_UP_FAILED] == REGRESSED_MILLI


def _copied(payer):
    """What `auth` tells of a signature whose counter went back."""
    key = Passkey(**dict.fromkeys(Passkey._fields, 0) | {"id": bytes(16), "payer": payer})
    return event_of(key, "counter_regressed")
