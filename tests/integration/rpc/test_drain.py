"""Laws of leaving: health first, nothing acknowledged lost, nobody left hanging."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.infrastructure.waiting import PATIENCE_S, until
from tests.integration.rpc.conftest import serving, told
from tests.integration.rpc.echo import ECHO, EchoRequest, EchoResponse

Code = grpc.StatusCode
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health(bench):
    return health_pb2_grpc.HealthStub(bench.channel)


async def test_health_is_told_for_the_server_and_for_each_service(bench):
    for service in ("", ECHO.full_name):
        answer = await health(bench).Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(bench).Check(health_pb2.HealthCheckRequest(service="keelpay.Nothing"))
    assert caught.value.code() is Code.NOT_FOUND


async def test_one_service_can_be_out_while_the_others_serve(bench):
    bench.server.health.set_status(ECHO.full_name, serving=False)
    answer = await health(bench).Check(health_pb2.HealthCheckRequest(service=ECHO.full_name))
    assert answer.status == NOT_SERVING
    assert (await health(bench).Check(health_pb2.HealthCheckRequest())).status == SERVING
    with pytest.raises(KeyError):
        bench.server.health.set_status("keelpay.Nothing", serving=True)


async def test_every_watcher_hears_of_the_drain_even_after_another_left(bench):
    watches = [health(bench).Watch(health_pb2.HealthCheckRequest()) for _ in range(3)]
    for watch in watches:
        assert (await watch.read()).status == SERVING
    watches[0].cancel()
    await until(lambda: len(bench.server.health._watchers) == 2)
    bench.server.health.drain()
    for watch in watches[1:]:
        assert (await asyncio.wait_for(watch.read(), PATIENCE_S)).status == NOT_SERVING
        watch.cancel()
    bench.server.health.serve_all()
    assert bench.server.health.status() == NOT_SERVING


async def test_calls_under_way_and_calls_in_the_wait_are_answered():
    async with serving(drain_wait_s=1.5) as bench:
        slow = asyncio.ensure_future(bench.call("Echo", EchoRequest(text="slow", act="hold")))
        await until(lambda: bench.server.load.calls)
        stopping = asyncio.create_task(bench.server.stop())
        await until(lambda: bench.server.health.status() == NOT_SERVING)
        assert (await bench.call("Echo", EchoRequest(text="during"))).text == "during"
        await until(lambda: bench.server.drain.refusing)
        bench.servicer.go.set()
        assert (await slow).text == "slow"
        await stopping
        assert bench.servicer.commits == ["during", "slow"]


async def test_changing_calls_are_refused_while_reads_go_on(bench):
    bench.server.drain.begin()
    answer = await bench.refused("Echo")
    assert (answer.code, answer.reason) == (Code.UNAVAILABLE, "DRAINING")
    assert answer.retry_after_s > 0
    await bench.call("Look")
    assert (await bench.refused("Watch")).reason == "DRAINING"


async def test_an_open_watch_ends_with_draining(bench):
    call = bench.call("Watch", EchoRequest(text="n", act="stay"), timeout=None)
    assert [(await call.read()).text for _ in range(3)] == ["n0", "n1", "n2"]
    ending = asyncio.create_task(call.read())
    await asyncio.sleep(0.05)
    await bench.server.stop()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ending
    assert told(caught.value).reason == "DRAINING"


async def test_an_ingest_stream_gets_its_last_answers_before_draining(bench):
    call = bench.rpc("Ingest")(metadata=bench.headers(), timeout=None)
    await call.write(EchoRequest(text="a").SerializeToString())
    assert (await call.read()).text == "a"
    await call.write(EchoRequest(text="b", act="hold").SerializeToString())
    await until(lambda: "b" in bench.servicer.seen)
    stopping = asyncio.create_task(bench.server.stop())
    await until(lambda: bench.server.drain.refusing)
    bench.servicer.go.set()
    assert (await call.read()).text == "b"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert told(caught.value).reason == "DRAINING"
    await stopping


async def test_a_drain_under_load_loses_nothing_that_was_acknowledged():
    async with serving(drain_wait_s=0.3) as bench:
        acknowledged, refusals = [], []

        async def caller(name):
            for number in range(10_000):
                text = f"{name}-{number}"
                try:
                    acknowledged.append((await bench.call("Echo", EchoRequest(text=text, delay_ms=5))).text)
                except grpc.aio.AioRpcError as error:
                    refusals.append(error.code())
                    return

        callers = [asyncio.create_task(caller(name)) for name in range(8)]
        await until(lambda: len(acknowledged) > 50)
        await bench.server.stop()
        await asyncio.gather(*callers)
        assert set(acknowledged) == set(bench.servicer.commits)
        # Without client health checks a call that had not begun may end as a bare CANCELLED; clients repeat it.
        assert set(refusals) <= {Code.UNAVAILABLE, Code.CANCELLED}


async def test_a_servicer_can_wait_for_the_drain(bench):
    waiting = asyncio.create_task(bench.server.drain.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    bench.server.drain.begin()
    await asyncio.wait_for(waiting, PATIENCE_S)
    assert isinstance(await bench.call("Look"), EchoResponse)
