from datetime import UTC, datetime, timedelta, timezone

import pytest

from keelpay._filter import conditions, member
from keelpay._names import Defaults, name_of
from keelpay.api.gateway.v1 import order_pb2
from keelpay.enums import PaymentState
from keelpay.errors import ConfigurationError
from keelpay.models import Order

NOON = datetime(2026, 5, 1, 20, tzinfo=timezone(timedelta(hours=8)))


def test_conditions_are_joined_in_the_order_given():
    text = conditions(
        "x = 1", since=NOON, until=datetime(2026, 6, 1, tzinfo=UTC), state=PaymentState.CAPTURED, late=True
    )
    assert text == (
        'state = CAPTURED AND late = true AND create_time >= "2026-05-01T12:00:00Z"'
        ' AND create_time < "2026-06-01T00:00:00Z" AND x = 1'
    )


def test_what_is_not_asked_for_is_no_condition():
    assert conditions("", a=None, b="", c=False, d=0) == "c = false AND d = 0"


def test_a_value_never_becomes_a_condition():
    assert conditions(payer='a" OR state = "b\\') == 'payer = "a\\" OR state = \\"b\\\\"'


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        conditions(since=datetime(2026, 5, 1))  # noqa: DTZ001  (the mistake itself)


def test_states_may_be_named():
    assert member(PaymentState, "CAPTURED") is PaymentState.CAPTURED
    assert member(PaymentState, None) is None
    with pytest.raises(ValueError, match="is not one of REQUIRES_PAYMENT_METHOD"):
        member(PaymentState, "captured")


def test_a_resource_names_itself():
    assert name_of(Order.of(order_pb2.Order(name="merchants/cafe/orders/o"))) == name_of("merchants/cafe/orders/o")


@pytest.mark.parametrize("what", ["merchant", "partner", "region"])
def test_what_is_missing_is_said_in_a_kind_sentence(what):
    with pytest.raises(ConfigurationError, match=rf"which {what}\? Pass {what}="):
        getattr(Defaults(), f"{what}_or")(None)
    assert getattr(Defaults(**{what: "x"}), f"{what}_or")(None) == "x"
    assert getattr(Defaults(**{what: "x"}), f"{what}_or")("y") == "y"
