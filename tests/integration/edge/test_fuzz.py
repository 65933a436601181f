"""Whatever bytes arrive: an answer in HTTP or a closed connection, never a crash, never an inner text."""

import asyncio
import logging
import os
import random
import re

import pytest

from tests.integration.edge.conftest import WIRES, connected, open_edge, request_of
from tests.integration.rpc.echo import SECRET_TEXT, EchoRequest

CASES = int(os.environ.get("KEELPAY_FUZZ_CASES", "60"))
"""A wire; a longer run finds more."""
TOGETHER = 30
"""Those that leave something out are waited for in vain, all at once."""
KNOWN = {200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 431, 499, 500, 501, 503, 504}
PIECES = (b"\r\n", b"\0", b"\xff", b"%", b"transfer-encoding: chunked\r\n", b"content-length: 9\r\n", b"{", b"}", b" ",
          b"connect-timeout-ms: 1\r\n", b"grpc-timeout: 1m\r\n", b"expect: 100-continue\r\n", b"upgrade: websocket\r\n",
          b"content-encoding: gzip\r\n", b"host: y\r\n", b"x-forwarded-for: 1.1.1.1\r\n", b"\x80", b"\x01")  # fmt: skip


def mutated(draw, raw):
    """A request with some bytes changed, cut out, put in or doubled."""
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(raw) + 1)
        until = min(len(raw), at + draw.randint(0, 12))
        put = draw.choice((b"", raw[at:until] * 2, draw.choice(PIECES), draw.randbytes(draw.randint(1, 9))))
        raw = raw[:at] + put + raw[until:]
    return raw


@pytest.mark.parametrize("wire", WIRES)
async def test_no_request_breaks_the_edge(wire, caplog):
    draw = random.Random(f"edge {wire}")
    method = "Watch" if wire.startswith("connect+") else "Echo"
    body = request_of(wire, EchoRequest(text="n"))
    async with open_edge(header_s=0.5, body_s=0.5, idle_s=1, requests_per_minute=1_000_000) as edge:
        head = "".join(f"{name}: {value}\r\n" for name, value in edge.headers(wire).items())
        path = edge.path(method).removeprefix(edge.url)
        head = f"host: x\r\nconnection: close\r\n{head}content-length: {len(body)}\r\n\r\n"
        valid = f"POST {path} HTTP/1.1\r\n{head}".encode() + body

        answered = 0

        async def attempt(raw):
            reader, writer = await connected(edge)
            try:
                writer.write(raw)
                return await asyncio.wait_for(reader.read(), 10)
            except ConnectionError:
                return b""
            finally:
                writer.close()

        with caplog.at_level(logging.DEBUG, "keelpay.edge"):
            for _ in range(CASES // TOGETHER):
                for answer in await asyncio.gather(*(attempt(mutated(draw, valid)) for _ in range(TOGETHER))):
                    answered += bool(answer)
                    for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer):
                        assert int(status) in {*KNOWN, 100}, answer
                    assert b"Traceback" not in answer
                    assert SECRET_TEXT.encode() not in answer
        assert answered > CASES / 2
        assert [record.getMessage() for record in caplog.records if record.name == "keelpay.edge"] == []
        assert (await edge.call(wire, method, EchoRequest(text="n"))).code == 0
