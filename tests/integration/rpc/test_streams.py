"""Laws of streams: the same stages around many messages."""

import grpc
import pytest

from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.rpc.conftest import serving, told
from tests.integration.rpc.echo import EchoRequest, EchoResponse

Code = grpc.StatusCode


async def texts(call):
    return [answer.text async for answer in call]


def stream(bench, method, requests, *, token="acme", timeout=PATIENCE_S):
    async def raws():
        for request in requests:
            yield request if isinstance(request, bytes) else request.SerializeToString()

    return bench.rpc(method)(raws(), metadata=bench.headers(token), timeout=timeout)


async def refused(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (texts(call) if hasattr(call, "__aiter__") else call)
    return told(caught.value)


async def test_a_watch_tells_id_and_mode_before_its_end(bench):
    call = bench.call("Watch", EchoRequest(text="n", act="stay"), metadata=(("x-request-id", "watch-4711"),))
    first = dict(await call.initial_metadata())
    assert (first["x-request-id"], first["x-keelpay-mode"]) == ("watch-4711", "test")
    call.cancel()


async def test_all_three_kinds_of_stream_deliver_in_order(bench):
    assert await texts(bench.call("Watch", EchoRequest(text="n"))) == ["n0", "n1", "n2"]
    requests = [EchoRequest(text=letter) for letter in "abc"]
    assert (await stream(bench, "Upload", requests)).text == "a,b,c"
    assert await texts(stream(bench, "Ingest", requests)) == ["a", "b", "c"]
    assert {line["code"] for line in await bench.logged()} == {"OK"}


async def test_an_error_after_some_answers_keeps_the_answers(bench):
    requests = [EchoRequest(text="a"), EchoRequest(act="refuse"), EchoRequest(text="never")]
    call = stream(bench, "Ingest", requests)
    assert (await call.read()).text == "a"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert told(caught.value).reason == "CONFLICT"
    assert "never" not in bench.servicer.seen


@pytest.mark.parametrize("method", ["Upload", "Ingest"])
async def test_every_message_of_a_stream_is_checked(bench, method):
    good, bad = EchoRequest(text="a"), EchoRequest(act="x" * 65)
    assert (await refused(stream(bench, method, [good, bad]))).fields.keys() == {"act"}
    assert (await refused(stream(bench, method, [good, b"\xff"]))).reason == "MESSAGE_MALFORMED"
    big = EchoRequest(text="x" * 300_000)
    assert (await refused(stream(bench, method, [good, big]))).reason == "MESSAGE_MALFORMED"


@pytest.mark.parametrize("method", ["Upload", "Ingest"])
async def test_a_stream_without_the_scope_reaches_no_servicer(bench, method):
    answer = await refused(stream(bench, method, [EchoRequest(text="a")], token="reader"))
    assert (answer.code, answer.reason) == (Code.PERMISSION_DENIED, "SCOPE_MISSING")
    assert bench.servicer.seen == []


@pytest.mark.parametrize("method", ["Upload", "Ingest"])
async def test_a_crash_in_a_stream_is_internal(bench, method, caplog):
    assert (await refused(stream(bench, method, [EchoRequest(act="crash")]))).reason == "INTERNAL"
    assert "crashed" in caplog.text


async def test_a_crash_in_a_watch_is_internal(bench, caplog):
    assert (await bench.refused("Watch", EchoRequest(act="crash"))).reason == "INTERNAL"
    assert "crashed" in caplog.text


async def test_a_watch_that_is_left_gives_its_place_back(bench, caplog):
    call = bench.call("Watch", EchoRequest(act="stay"), timeout=None)
    assert isinstance(await call.read(), EchoResponse)
    assert bench.server.load.watches == 1
    assert bench.server.load.calls == 0
    call.cancel()
    await until(lambda: bench.server.load.watches == 0)
    assert [line["code"] for line in await bench.logged()] == ["CANCELLED"]
    assert caplog.records == []


async def test_watches_have_a_budget_of_their_own():
    async with serving(watches_max=2, watches_per_caller_max=1, calls_max=1) as bench:
        open_watches = [bench.call("Watch", EchoRequest(act="stay"), token=token) for token in ("acme", "other")]
        for watch in open_watches:
            await watch.read()
        assert (await bench.refused("Watch", token="reader")).reason == "OVERLOADED"
        await bench.call("Echo")
        open_watches[1].cancel()
        await until(lambda: bench.server.load.watches == 1)
        assert (await bench.refused("Watch", token="acme")).reason == "RATE_LIMITED"


async def test_a_client_that_leaves_an_open_ingest_is_no_error(bench, caplog):
    call = bench.rpc("Ingest")(metadata=bench.headers(), timeout=None)
    await call.write(EchoRequest(text="a").SerializeToString())
    assert (await call.read()).text == "a"
    call.cancel()
    assert [line["code"] for line in await bench.logged()] == ["CANCELLED"]
    assert caplog.records == []


async def test_a_client_that_leaves_at_once_is_no_error(bench, caplog):
    for method in ("Echo", "Watch"):
        for _ in range(20):
            bench.call(method, EchoRequest(act="stay")).cancel()
    await bench.call("Echo")
    codes = {line["code"] for line in await bench.logged()}
    assert codes <= {"OK", "CANCELLED"}
    assert caplog.records == []


async def test_half_an_upload_is_never_taken_for_all(bench, caplog):
    for number in range(25):
        call = bench.rpc("Upload")(metadata=bench.headers(), timeout=None)
        await call.write(EchoRequest(text=f"half{number}").SerializeToString())
        await until(lambda number=number: f"half{number}" in bench.servicer.seen)
        call.cancel()
    codes = [line["code"] for line in await bench.logged()]
    assert codes == ["CANCELLED"] * 25
    assert caplog.records == []
