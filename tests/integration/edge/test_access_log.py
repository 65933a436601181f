"""Laws of the edge's log: one line a request, with what it was and how it ended, and nothing that anybody may use."""

import json

from tests.infrastructure.http import ask
from tests.integration.rpc.echo import ECHO, EchoRequest

from .conftest import open_edge

SECRET = "eyJhbGciOiJFZERTQSJ9.secret"


async def requests_of(edge):
    """The lines of requests."""
    return [line for line in await edge.logged() if line["message"] == "request"]


async def test_a_page_and_a_call_leave_a_line_each(edge):
    page = await ask(f"{edge.url}/pay?lang=zh", method="GET", headers={"x-request-id": "proxy-00007"})
    await edge.call("json", "Echo", EchoRequest(text="hello"), headers={"x-request-id": "order-4711"})
    lines = {line["path"]: line for line in await requests_of(edge)}
    told = lines["/pay"]
    assert (told["verb"], told["status"], told["bytes"]) == ("GET", 200, len(page.body))
    assert (told["request_id"], told["address"], told["ms"] > 0) == ("proxy-00007", "127.0.0.1", True)
    told = lines[f"/{ECHO.full_name}/Echo"]
    assert (told["verb"], told["status"], told["request_id"]) == ("POST", 200, "order-4711")
    calls = [line for line in await edge.logged() if line["message"] == "call"]
    assert [line["request_id"] for line in calls] == ["order-4711"]


async def test_no_token_and_no_link_is_ever_written_down(edge):
    for target in (f"/pay?link={SECRET}", f"/{SECRET}", f"/pay/{SECRET}", f"/assets/{SECRET}/x.js"):
        await ask(f"{edge.url}{target}", method="GET", headers={"authorization": f"Bearer {SECRET}"})
    await edge.call("json", "Echo", token=SECRET, headers={"x-request-id": SECRET * 9, "cookie": SECRET})
    await ask(f"{edge.url}/keelpay.Nobody/{SECRET}", b"{}", headers={"content-type": "application/json"})
    lines = await edge.logged()
    assert sum(line["message"] == "request" for line in lines) == 6
    assert "secret" not in json.dumps(lines)


async def test_the_address_is_whom_a_trusted_proxy_names_and_nobody_else():
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    for trusted, address in ((("127.0.0.1",), "203.0.113.9"), ((), "127.0.0.1")):
        async with open_edge(trusted_proxies=trusted) as edge:
            await ask(f"{edge.url}/", method="GET", headers=forwarded)
            assert [line["address"] for line in await requests_of(edge)] == [address]


async def test_a_failure_is_written_down_with_its_status(edge):
    await ask(f"{edge.url}/nothing", method="GET")
    await edge.call("json", "Echo", body=b"{")
    told = {(line["path"], line["status"]) for line in await requests_of(edge)}
    assert told == {("", 404), (f"/{ECHO.full_name}/Echo", 400)}


async def test_it_can_be_turned_off():
    async with open_edge(access_log=False) as edge:
        await ask(f"{edge.url}/pay", method="GET")
        assert await requests_of(edge) == []


async def test_whoever_opens_the_bare_address_is_told_what_it_is(edge):
    answer = await ask(f"{edge.url}/", method="GET")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "open the link that your shop gave you" in answer.body.decode()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    other = await ask(f"{edge.url}/nothing", method="GET")
    kept = {"cache-control", "content-length", "content-type", "date"}
    assert answer.headers.keys() - kept == other.headers.keys() - kept
