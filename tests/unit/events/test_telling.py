"""Laws of what is told of an event."""

import json

from google.protobuf import json_format

from keelpay.api.event.v1 import event_pb2
from keelpay.api.gateway.v1 import payment_pb2
from keelpay.api.type.v1.channel_pb2 import Channel
from keelpay_server.book import ids
from keelpay_server.book.journal import JournalRow
from keelpay_server.events.service_render import render_event
from keelpay_server.events.telling import body, moment, tell, told_facts

KEY = bytes(range(16))
ROW = JournalRow(7, 9, 1_700_000_000_123_456, 1_800_000_000_000_000, b"", b"")
EVENT = [
    8, "payment.captured", "pay", KEY, 3, "cafe", "partner:acme",
    {
        "state": 8, "amount": 2**62, "currency": "CNY", "payer": "acme/ama", "operation": KEY, "due_time": 0,
        "expire_time": 1_700_000_000_000_000, "lagging": False, "nothing": None, "decision": {"payer": "x"},
        "marks": [[1, 2]], "tags": ["a", 5], "line": b"\x01\x02",
    },
]  # fmt: skip


def test_integers_are_texts_whatever_their_size():
    assert told_facts("payment.captured", {"amount": 5}) == {"amount": "5"}
    assert told_facts("payment.captured", {"amount": 2**62}) == {"amount": str(2**62)}


def test_members_of_enums_bear_the_names_that_the_resource_itself_gives_them():
    assert told_facts("payment.captured", {"state": 8, "channel": Channel.CHANNEL_CARD}) == {
        "state": json_format.MessageToDict(payment_pb2.Payment(state=8))["state"], "channel": "CHANNEL_CARD",
    }  # fmt: skip
    assert told_facts("order.paid", {"state": 2}) == {"state": "STATE_PAID"}
    assert told_facts("confirmation.rejected", {"rejection": 1})["rejection"].startswith("REJECTION_")


def test_a_number_that_no_member_has_is_told_as_it_is():
    assert told_facts("payment.captured", {"state": 99}) == {"state": "99"}


def test_ids_are_readable_and_other_bytes_are_hexadecimal():
    assert told_facts("order.paid", {"payment": KEY, "line": b"\x01\x02"}) == {
        "payment": ids.text("pay", KEY),
        "line": "0102",
    }


def test_times_are_rfc_3339_and_for_ever_is_a_number():
    assert told_facts("payout.created", {"due_time": 1_700_000_000_123_456}) == {
        "due_time": "2023-11-14T22:13:20.123456Z"
    }
    assert told_facts("list_entry.changed", {"expire_time": 2**63 - 1}) == {"expire_time": str(2**63 - 1)}
    assert moment(0) == "1970-01-01T00:00:00Z"


def test_what_a_room_keeps_for_itself_is_not_told():
    kept = {"decision": {"device": "d"}, "marks": [[1, 2]], "explained": True}
    assert told_facts("refund.lagging", {**kept, "lagging": True}) == {"lagging": True}


def test_the_body_of_a_webhook_is_the_event_by_the_protobuf_mapping():
    told = tell(1, ROW, EVENT)
    assert json_format.Parse(body(told), event_pb2.Event()) == render_event(told)
    assert json.loads(body(told))["resource"] == f"merchants/cafe/payments/{ids.text('pay', KEY)}"
    assert json.loads(body(told))["id"] == "1-8"


def test_an_event_of_a_partner_or_of_the_platform_names_no_merchant():
    for owner in ("", "partners/acme"):
        assert tell(1, ROW, [8, "window.closed", "win", KEY, 3, owner, "", {}]).merchant == ""
