"""Laws of the bounds: each kind of bound on each kind of field, all violations at once, nothing echoed."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay.api.gateway.v1 import order_pb2, order_service_pb2
from keelpay.api.risk.v1 import rule_service_pb2
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.validation import VIOLATIONS_MAX, compile_check, require_valid
from tests.integration.rpc.echo import Bounded, EchoRequest, Unbound, UpdatePartRequest

CHECK = compile_check(Bounded.DESCRIPTOR)
CHECK_UPDATE = compile_check(UpdatePartRequest.DESCRIPTOR)


def good(**changes):
    message = Bounded(request_id=str(uuid.UUID(int=7)), key=b"k" * 16, count=1, colour=1)
    message.amount.currency_code = "CNY"
    for name, value in changes.items():
        field = getattr(message, name)
        if hasattr(field, "extend"):
            field.extend(value)
        elif hasattr(field, "update"):
            field.update(value)
        else:
            setattr(message, name, value)
    return message


def fields_of(message):
    return {field for field, _ in CHECK(message) or ()}


def test_a_good_message_has_no_violation():
    assert CHECK(good()) is None


def test_an_empty_message_lacks_exactly_what_is_required():
    assert CHECK(Bounded()) == [
        ("request_id", "is required"),
        ("key", "is required"),
        ("count", "must be at least 1"),
        ("colour", "is required"),
        ("amount", "is required"),
    ]


@pytest.mark.parametrize(
    "change,field",
    [
        ({"request_id": "00000000-0000-0000-0000-00000000000G"}, "request_id"),
        ({"request_id": str(uuid.UUID(int=7)) + "\n"}, "request_id"),
        ({"request_id": "x" + str(uuid.UUID(int=7))}, "request_id"),
        ({"title": "a"}, "title"),
        ({"title": "汉字汉字汉字"}, "title"),
        ({"free": "a\0b"}, "free"),
        ({"key": b"k" * 15}, "key"),
        ({"key": b"k" * 17}, "key"),
        ({"count": 0}, "count"),
        ({"count": 11}, "count"),
        ({"count": -(2**63)}, "count"),
        ({"level": 0}, "level"),
        ({"colour": 0}, "colour"),
        ({"colour": 99}, "colour"),
        ({"any_colour": 99}, "any_colour"),
        ({"any_colour": -1}, "any_colour"),
        ({"tags": ["a"] * 4}, "tags"),
        ({"tags": ["a", "12345"]}, "tags[1]"),
        ({"tags": ["a", "\0"]}, "tags[1]"),
        ({"colours": [1, 7]}, "colours[1]"),
        ({"labels": {"a": "", "b": "", "c": ""}}, "labels"),
        ({"labels": {"UPPER": ""}}, "labels"),
        ({"labels": {"toolongkey": ""}}, "labels"),
        ({"labels": {"a": "123456"}}, "labels[a]"),
        ({"labels": {"a": "\0"}}, "labels[a]"),
        ({"card": "123"}, "card"),
        ({"card": ""}, "card"),
    ],
)
def test_one_step_over_a_bound_is_one_violation_of_that_field(change, field):
    assert fields_of(good(**change)) == {field}


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "汉字汉字汉"},
        {"count": 10},
        {"level": 1},
        {"any_colour": 0},
        {"tags": ["1234"] * 3},
        {"colours": [0, 2]},
        {"labels": {"abcdefgh": "12345"}},
        {"card": "1234"},
        {"made": "what the server wrote comes back"},
    ],
)
def test_the_bound_itself_passes(change):
    assert CHECK(good(**change)) is None


def test_nested_messages_are_checked_and_named_by_path():
    message = good()
    message.part.name = "toolong"
    message.items.add(name="ok")
    message.items.add()
    message.parts["x"].memo = "\0"
    message.amount.currency_code = "cny"
    message.inner.CopyFrom(good())
    message.inner.inner.count = 99
    assert {
        "part.name",
        "items[1].name",
        "parts[x].name",
        "parts[x].memo",
        "amount.currency_code",
        "inner.inner.count",
    } <= (fields_of(message))
    assert "items[0].name" not in fields_of(message)


@pytest.mark.parametrize(
    "seconds,nanos,holds",
    [(0, 0, True), (253402300799, 999999999, True), (253402300800, 0, False), (-62135596801, 0, False), (0, -1, False)],
)
def test_times_lie_between_year_1_and_9999(seconds, nanos, holds):
    message = good()
    message.time.seconds, message.time.nanos = seconds, nanos
    assert (CHECK(message) is None) is holds


def test_durations_may_be_negative_within_ten_thousand_years():
    message = good()
    message.duration.seconds, message.duration.nanos = -5, -999_999_999
    assert CHECK(message) is None
    message.duration.seconds = 315_576_000_001
    assert fields_of(message) == {"duration.seconds"}


@pytest.mark.parametrize(
    "paths,holds",
    [
        (["title"], True),
        (["part", "part.memo"], True),
        (["*"], True),
        (["state"], False),
        (["name"], False),
        (["title.x"], False),
        (["__class__"], False),
        (["title"] * 65, False),
    ],
)
def test_a_mask_names_fields_that_may_be_changed(paths, holds):
    request = UpdatePartRequest()
    request.resource.title = "t"
    request.update_mask.paths.extend(paths)
    assert (CHECK_UPDATE(request) is None) is holds


def test_an_update_needs_its_mask():
    request = UpdatePartRequest()
    request.resource.title = "t"
    assert CHECK_UPDATE(request) == [("update_mask", "is required")]


def test_a_message_with_nothing_to_check_costs_nothing():
    assert compile_check(Unbound.DESCRIPTOR) is None


def test_items_of_a_batch_can_be_left_to_its_servicer():
    message = good()
    message.items.add()
    assert compile_check(Bounded.DESCRIPTOR, into_items=False)(message) is None
    assert CHECK(message) is not None


def test_a_flood_of_violations_is_cut():
    message = good()
    for _ in range(500):
        message.items.add()
    assert VIOLATIONS_MAX <= len(CHECK(message)) <= VIOLATIONS_MAX + 2


def test_no_value_is_ever_echoed():
    secret = "4111111111111111"
    with pytest.raises(Refused) as caught:
        require_valid(good(card=secret, title=secret, free=secret + "\0"))
    assert secret not in str(caught.value)
    assert secret not in str(caught.value.violations)
    assert len(caught.value.violations) == 3


def test_a_valid_message_passes_require_valid():
    require_valid(good())
    require_valid(Unbound())


@given(st.binary(max_size=200))
def test_whatever_parses_is_judged_without_a_crash(raw):
    message = EchoRequest()
    try:
        message.ParseFromString(raw)
    except Exception:
        return
    compile_check(EchoRequest.DESCRIPTOR)(message)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_a_text_passes_exactly_within_its_length_and_without_nul(text):
    passes = not text or (2 <= len(text) <= 5 and "\0" not in text)
    assert (CHECK(good(title=text)) is None) is passes


def test_an_enum_that_is_not_required_may_be_left_out_and_must_be_known_where_it_is_not():
    check = compile_check(rule_service_pb2.ListEntriesRequest.DESCRIPTOR)
    assert check(rule_service_pb2.ListEntriesRequest()) is None
    assert check(rule_service_pb2.ListEntriesRequest(kind=1)) is None
    assert [field for field, _ in check(rule_service_pb2.ListEntriesRequest(kind=99))] == ["kind"]


def test_an_address_to_return_to_is_told_in_words():
    order = order_pb2.Order(return_url="http://shop.example/thanks")
    with pytest.raises(Refused) as refused:
        require_valid(
            order_service_pb2.CreateOrderRequest(parent="merchants/cafe", request_id=str(uuid.uuid4()), order=order)
        )
    (sentence,) = (words for field, words in refused.value.violations if field == "order.return_url")
    assert sentence.startswith("must be an https address")
    assert "http is not taken" in sentence
