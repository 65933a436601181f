import types
import typing
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from keelpay import models
from keelpay._methods import SERVICE_FILES
from keelpay._times import to_timestamp
from keelpay.api.auth.v1 import token_pb2
from keelpay.api.event.v1 import event_pb2
from keelpay.api.gateway.v1 import order_pb2, payment_pb2
from keelpay.api.sandbox.v1 import scenario_pb2
from keelpay.enums import OpenEnum, PaymentState
from keelpay.models.model import Model
from keelpay.money import Money

# Models that are named otherwise than their message, or read from an answer.
OTHERWISE = {
    "PaymentPreview": "keelpay.api.gateway.v1.PreviewPaymentResponse",
    "LedgerFinding": "keelpay.api.clearing.v1.VerifyLedgerResponse",
    "Biometric": "keelpay.api.gateway.v1.NextAction.Biometric",
    "Redirect": "keelpay.api.gateway.v1.NextAction.Redirect",
    "Wait": "keelpay.api.gateway.v1.NextAction.Wait",
}
# Names that two areas have: the area whose message the model is of.
AREAS = {"Operation": "gateway", "Clock": "sandbox"}


def messages():
    """Every message of the contract that a service file can reach, by its full name."""
    found, files = {}, list(SERVICE_FILES)
    seen = set()
    while files:
        file = files.pop()
        if file.name in seen:
            continue
        seen.add(file.name)
        files += file.dependencies
        stack = list(file.message_types_by_name.values())
        while stack:
            message = stack.pop()
            found[message.full_name] = message
            stack += message.nested_types
    return found


MESSAGES = messages()
MODELS = [each for name in models.__all__ if issubclass(each := getattr(models, name), Model) and each is not Model]


def message_of(model):
    if model.__name__ in OTHERWISE:
        return MESSAGES[OTHERWISE[model.__name__]]
    area = AREAS.get(model.__name__, "")
    (name,) = {each for each in MESSAGES if each.endswith(f".v1.{model.__name__}") and f".{area}" in each}
    return MESSAGES[name]


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_a_model_tells_every_field_of_its_message(model):
    own = {each.name for each in fields(model)} - {"raw", "replayed"}
    told = {name if name in own else name.removesuffix("_minor") for name in message_of(model).fields_by_name}
    assert told == own | model.LEFT_OUT


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_an_empty_message_reads_as_a_model_of_the_annotated_kinds(model):
    raw = message_factory.GetMessageClass(message_of(model))()
    read = model.of(raw)
    assert read.raw is raw
    for name, hint in typing.get_type_hints(model).items():
        if name in {"raw", "replayed", "LEFT_OUT"}:
            continue
        value = getattr(read, name)
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        assert isinstance(value, tuple(typing.get_origin(each) or each for each in kinds)), name


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_each_enum_of_a_model_is_that_of_its_message(model):
    hints = typing.get_type_hints(model)
    for field in message_of(model).fields:
        if field.enum_type is None or field.name not in hints:
            continue
        hint = hints[field.name]
        kind = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
        assert issubclass(kind, OpenEnum)
        assert [member.value for member in kind] == [each.number for each in field.enum_type.values]
        assert all(each.name.endswith(f"_{kind(each.number).name}") for each in field.enum_type.values), field.name
        assert all(kind(each.name) is kind(each.number) for each in field.enum_type.values), field.name


def test_a_number_that_is_not_known_stays_what_it_is():
    raw = payment_pb2.Payment(state=99)
    state = models.Payment.of(raw).state
    assert (state, state.name, repr(state)) == (99, "UNKNOWN_99", "<PaymentState.UNKNOWN_99: 99>")
    assert state == PaymentState(99)
    assert isinstance(state, IntEnum)
    with pytest.raises(ValueError):
        PaymentState("99")


def test_a_name_that_is_not_known_stays_what_it_is():
    state = PaymentState("STATE_REVERSED")
    assert (state, state.name) == (-1, "UNKNOWN_REVERSED")
    with pytest.raises(ValueError):
        PaymentState("CHANNEL_CARD")


def test_times_are_aware_and_in_utc():
    raw = order_pb2.Order()
    raw.create_time.FromJsonString("2026-05-01T20:00:00.123456+08:00")
    order = models.Order.of(raw)
    assert order.create_time == datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert order.create_time.tzinfo is UTC
    assert order.update_time is None


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        to_timestamp(datetime(2026, 5, 1))  # noqa: DTZ001  (the mistake itself)


def test_amounts_in_minor_units_are_in_the_payments_currency():
    raw = payment_pb2.Payment(amount_captured_minor=500, fee_minor=3)
    raw.amount.currency_code = "JPY"
    payment = models.Payment.of(raw)
    assert (payment.amount_captured, payment.fee) == (Money(500, "JPY"), Money(3, "JPY"))


def test_models_are_frozen_and_equal_by_what_they_tell():
    first, second = (models.Order.of(order_pb2.Order(name="a"), replayed=each) for each in (True, False))
    assert first == second
    assert (first.replayed, second.replayed) == (True, False)
    assert first != models.Order.of(order_pb2.Order(name="b"))
    with pytest.raises(FrozenInstanceError):
        first.name = "c"


def test_the_data_of_an_event_is_plain():
    raw = event_pb2.Event(type="something.new")
    raw.data.update({"amount_minor": "9007199254740993", "nested": {"a": [1, None, True]}, "line": 8})
    event = models.Event.of(raw)
    assert event.data == {"amount_minor": "9007199254740993", "nested": {"a": [1, None, True]}, "line": 8}
    assert (type(event.data["line"]), type(event.data["nested"]["a"][0])) == (int, int)  # a Struct has floats alone
    assert event.type == "something.new"


def test_durations_are_exact():
    raw = scenario_pb2.Scenario()
    raw.delay.FromMicroseconds(1_500_001)
    assert models.Scenario.of(raw).delay == timedelta(seconds=1, microseconds=500_001)


def test_secrets_stay_out_of_the_repr():
    assert "hidden" not in repr(models.AccessToken.of(token_pb2.AccessToken(value="hidden")))


def test_helpers_of_a_payment():
    payment = models.Payment.of(payment_pb2.Payment(name="merchants/cafe/payments/p", state=8))
    assert (payment.merchant, payment.has_ended, payment.is_paid) == ("merchants/cafe", True, True)
    processing = models.Payment.of(payment_pb2.Payment(state=5))
    assert (processing.has_ended, processing.is_paid) == (False, False)


def test_every_message_field_kind_is_one_that_models_can_read():
    unreadable = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_GROUP}
    assert not [each for model in MODELS for each in message_of(model).fields if each.type in unreadable]
