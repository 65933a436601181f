"""Laws of what is told of an event."""

import json

from google.protobuf import json_format

from keelpay.api.event.v1 import event_pb2
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


def test_integers_are_texts_and_enums_are_numbers_whatever_their_size():
    assert told_facts({"amount": 5}) == {"amount": "5"}
    assert told_facts({"amount": 2**62}) == {"amount": str(2**62)}
    assert told_facts({"state": 5}) == {"state": 5}


def test_ids_are_readable_and_other_bytes_are_hexadecimal():
    assert told_facts({"payment": KEY, "line": b"\x01\x02"}) == {"payment": ids.text("pay", KEY), "line": "0102"}


def test_times_are_rfc_3339_and_for_ever_is_a_number():
    assert told_facts({"due_time": 1_700_000_000_123_456}) == {"due_time": "2023-11-14T22:13:20.123456Z"}
    assert told_facts({"expire_time": 2**63 - 1}) == {"expire_time": str(2**63 - 1)}
    assert moment(0) == "1970-01-01T00:00:00Z"


def test_what_a_room_keeps_for_itself_is_not_told():
    kept = {"decision": {"device": "d"}, "marks": [[1, 2]], "explained": True}
    assert told_facts({**kept, "lagging": True}) == {"lagging": True}


def test_the_body_of_a_webhook_is_the_event_by_the_protobuf_mapping():
    told = tell(1, ROW, EVENT)
    assert json_format.Parse(body(told), event_pb2.Event()) == render_event(told)
    assert json.loads(body(told))["resource"] == f"merchants/cafe/payments/{ids.text('pay', KEY)}"
    assert json.loads(body(told))["id"] == "1-8"


def test_an_event_of_a_partner_or_of_the_platform_names_no_merchant():
    for owner in ("", "partners/acme"):
        assert tell(1, ROW, [8, "window.closed", "win", KEY, 3, owner, "", {}]).merchant == ""
