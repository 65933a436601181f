import contextvars
import io
import json
import logging

import pytest

from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.cli.logs import Voice, is_human
from keelpay_server.rpc.access_log import DROPPED, Entry, HttpEntry, line_of

ENTRY = Entry(
    1_790_000_000_123_000, "req-1", "/keelpay.api.gateway.v1.PaymentService/Get", "partner:shop", "OK", "", 1500
)
REQUEST = HttpEntry(1_790_000_000_123_000, "", "GET", "/pay", 404, 1500, 77, "192.0.2.7")
REFUSAL = ENTRY._replace(code="NOT_FOUND", reason="RESOURCE_NOT_FOUND")


@pytest.fixture
def root():
    """The standard logging, put back as it was."""
    logger = logging.getLogger()
    kept, level, inner = logger.handlers[:], logger.level, logging.getLogger("alembic").level
    yield logger
    logger.handlers[:] = kept
    logger.setLevel(level)
    logging.getLogger("alembic").setLevel(inner)
    logging.captureWarnings(False)


def spoken(human, act):
    stream = io.StringIO()
    contextvars.Context().run(act, Voice(stream, human=human))  # no call, whatever was called before in this process
    return stream.getvalue()


def test_lines_for_machines_are_json_whatever_speaks(root):
    def act(voice):
        voice.install("info")
        voice.announce("listening", address="127.0.0.1:1")
        voice.access(line_of(ENTRY) + line_of(REFUSAL) + line_of(REQUEST))
        logging.getLogger("keelpay.work").warning('two\nlines and a "quote"')

    lines = [json.loads(line) for line in spoken(False, act).splitlines()]
    assert [line["message"] for line in lines] == ["listening", "call", "call", "request", 'two\nlines and a "quote"']
    assert all(list(line)[:4] == ["time", "level", "logger", "message"] for line in lines)
    assert all(line["time"].endswith("Z") and len(line["time"]) == 24 for line in lines)


def test_a_record_of_a_call_carries_its_request_id(root):
    def act(voice):
        voice.install("INFO")
        set_current(Call("req-9", Caller(CallerKind.PARTNER, "shop", "shop"), "/x/Y", 0))
        logging.getLogger("keelpay.work").warning("slow")

    assert json.loads(spoken(False, act))["request_id"] == "req-9"


def test_a_traceback_is_one_line_for_machines(root):
    def act(voice):
        voice.install("INFO")
        try:
            divmod(1, 0)
        except ZeroDivisionError:
            logging.getLogger("keelpay").exception("broken")

    (line,) = spoken(False, act).splitlines()
    assert "ZeroDivisionError" in json.loads(line)["error"]


def test_lines_for_people_are_no_json_and_say_the_same():
    told = spoken(True, lambda voice: voice.access(line_of(REFUSAL)))
    assert not told.startswith("{")
    for word in ("PaymentService/Get", "partner:shop", "NOT_FOUND", "RESOURCE_NOT_FOUND", "1.5 ms", "req-1"):
        assert word in told


def test_dropped_lines_are_told_to_people_too():
    dropped = f'{{"time":"2026-01-02T03:04:05.678Z","level":"WARNING","message":"{DROPPED}","lines":7}}\n'
    told = spoken(True, lambda voice: voice.access(dropped))
    assert f"7 {DROPPED}" in told


def test_a_request_is_told_to_people_too():
    told = spoken(True, lambda voice: voice.access(line_of(REQUEST)))
    for word in ("404", "GET /pay", "77 bytes", "192.0.2.7", "1.5 ms"):
        assert word in told


@pytest.mark.parametrize("choice, human", [("json", False), ("text", True), ("auto", False)])
def test_lines_are_for_people_where_chosen_or_where_a_terminal_is(choice, human):
    assert is_human(choice, io.StringIO()) is human
