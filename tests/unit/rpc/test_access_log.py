"""Laws of the access log: one line a call, never in the way."""

import json
import threading

from keelpay_server.rpc.access_log import DROPPED, AccessLog, Entry, HttpEntry, line_of

ENTRY = Entry(1_700_000_000_123_456, "order-4711", "/keelpay.X/Y", "partner:acme", "OK", "", 1_234)


def test_a_line_is_json_with_the_time_in_utc():
    assert json.loads(line_of(ENTRY)) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "INFO",
        "logger": "keelpay.access",
        "message": "call",
        "request_id": "order-4711",
        "method": "/keelpay.X/Y",
        "caller": "partner:acme",
        "code": "OK",
        "reason": "",
        "ms": 1.234,
    }


def test_a_line_of_a_request_is_in_the_same_style():
    entry = HttpEntry(1_700_000_000_123_456, "req-1", "GET", "/pay", 200, 1_234, 5_678, "192.0.2.7")
    assert json.loads(line_of(entry)) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "INFO",
        "logger": "keelpay.access",
        "message": "request",
        "request_id": "req-1",
        "verb": "GET",
        "path": "/pay",
        "status": 200,
        "ms": 1.234,
        "bytes": 5678,
        "address": "192.0.2.7",
    }


def test_a_caller_cannot_forge_a_line():
    line = line_of(ENTRY._replace(caller='x"}\n{"code":"OK'))
    assert line.count("\n") == 1
    assert json.loads(line)["caller"] == 'x"}\n{"code":"OK'


def test_closing_writes_every_line_in_order():
    blocks = []
    log = AccessLog(blocks.append)
    for number in range(2_500):
        log.add(ENTRY._replace(duration_us=number * 1_000))
    log.close()
    assert [json.loads(line)["ms"] for block in blocks for line in block.splitlines()] == list(range(2_500))


def test_a_stuck_sink_drops_lines_and_tells_how_many():
    blocks, stuck, free = [], threading.Event(), threading.Event()

    def sink(block):
        stuck.set()
        free.wait(5)
        blocks.append(block)

    log = AccessLog(sink, lines_waiting_max=10)
    log.add(ENTRY)
    assert stuck.wait(5)
    for _ in range(25):
        log.add(ENTRY)
    free.set()
    log.close()
    lines = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert sum("method" in line for line in lines) == 11
    assert [line["lines"] for line in lines if line["message"] == DROPPED] == [15]


def test_a_closed_stream_does_not_end_the_log():
    def sink(_):
        raise ValueError("I/O operation on closed file")

    log = AccessLog(sink)
    log.add(ENTRY)
    log.close()
