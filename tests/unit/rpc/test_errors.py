"""Laws of the error shape, for every reason of the table."""

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from keelpay.api.type.v1 import reason_pb2
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.errors import MESSAGE_CHARACTERS_MAX, STATUS_BYTES_MAX, choose_language, crashed, render

REQUEST_ID = "order-4711"


def details(refused, language="en"):
    status = Status.FromString(render(refused, REQUEST_ID, language).details)
    found = {}
    for detail in status.details:
        for kind in (ErrorInfo, RetryInfo, BadRequest, LocalizedMessage):
            if detail.Is(kind.DESCRIPTOR):
                found.setdefault(kind, []).append(kind.FromString(detail.value))
    return status, found


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_reason_has_one_error_info_and_the_code_of_its_row(reason):
    rendered = render(Refused(reason), REQUEST_ID, "en")
    status, found = details(Refused(reason))
    shown = Reason.RESOURCE_NOT_FOUND if reason is Reason.NOT_OWNER else reason
    (info,) = found[ErrorInfo]
    assert (info.reason, info.domain, info.metadata["request_id"]) == (shown.name, "keelpay", REQUEST_ID)
    assert isinstance(rendered.code, grpc.StatusCode)
    assert rendered.code.value[0] == status.code == shown.code
    assert rendered.code is not grpc.StatusCode.OK
    assert rendered.message == status.message


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_reason_is_told_to_people_in_both_languages(reason):
    for language in ("en", "zh"):
        (message,) = details(Refused(reason), language)[1][LocalizedMessage]
        assert message.locale == language
        assert message.message
    assert any("\u4e00" <= letter <= "\u9fff" for letter in reason.zh)


def test_the_table_is_the_protos_enum():
    by_name = {
        value.name.removeprefix("REASON_"): value.number
        for value in reason_pb2.Reason.DESCRIPTOR.values
        if value.number
    }
    assert by_name == {reason.name: reason.value for reason in Reason}


def test_a_retry_time_is_told_to_the_millisecond():
    (retry,) = details(Refused(Reason.CONFLICT, retry_after_ms=1_234))[1][RetryInfo]
    assert retry.retry_delay.ToMilliseconds() == 1_234
    assert RetryInfo not in details(Refused(Reason.CONFLICT))[1]


def test_all_violations_are_listed_while_they_fit():
    violations = tuple((f"field_{number}", "is required") for number in range(30))
    (bad,) = details(Refused(Reason.FIELD_INVALID, violations=violations))[1][BadRequest]
    assert tuple((violation.field, violation.description) for violation in bad.field_violations) == violations


def test_a_flood_of_violations_fits_the_metadata_of_a_client_and_tells_the_rest():
    violations = tuple((f"items[{number}].name", "is required " * 5) for number in range(1_000))
    refused = Refused(Reason.FIELD_INVALID, "m" * 10_000, violations=violations, resource="x" * 5_000)
    rendered = render(refused, REQUEST_ID, "zh")
    assert len(rendered.details) <= STATUS_BYTES_MAX
    assert len(rendered.message) == MESSAGE_CHARACTERS_MAX
    (bad,) = details(refused)[1][BadRequest]
    told = len(bad.field_violations) - 1
    assert bad.field_violations[-1].description == f"and {1_000 - told} more"


def test_another_owners_resource_is_rendered_byte_for_byte_like_none():
    strangers = [Refused(Reason.NOT_OWNER), Refused(Reason.NOT_OWNER, "payment of acme", resource="x", owner="acme")]
    nothing = Refused(Reason.RESOURCE_NOT_FOUND, "not known", resource="payment")
    for language in ("en", "zh"):
        told = {render(refused, REQUEST_ID, language) for refused in (*strangers, nothing)}
        assert len(told) == 1


def test_a_crash_says_nothing():
    assert crashed().message == Reason.INTERNAL.en
    assert crashed().metadata == {}


@pytest.mark.parametrize(
    "header,language",
    [("", "en"), ("zh-CN,en;q=0.8", "zh"), ("fr,ZH", "zh"), ("en-GB,zh", "en"), ("fr", "en"), (",,;;", "en")],
)
def test_the_first_language_we_speak_is_taken(header, language):
    assert choose_language(header) == language
