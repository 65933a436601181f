"""Laws of the stream behind the real pipeline: a partner's token, a drain, the cursor in the error's metadata."""

import asyncio

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from keelpay.api.event.v1 import event_service_pb2, event_service_pb2_grpc
from keelpay_server.book.paging import Pager
from keelpay_server.events.sender import Sender, SendingSettings
from keelpay_server.events.service import EventService
from keelpay_server.rpc.access_log import AccessLog
from keelpay_server.rpc.listeners import Listener
from keelpay_server.rpc.server import RpcServer
from keelpay_server.rpc.server_settings import ServerSettings
from tests.infrastructure.waiting import PATIENCE_S
from tests.integration.events.happenings import ACME, CURSORS, SEAL, amounts, begin, happen

SERVICE = event_service_pb2.DESCRIPTOR.services_by_name["EventService"]
TOKEN = (("authorization", "Bearer acme"),)


@pytest.fixture
async def served(open_book):
    await begin(open_book)
    sender = Sender(SendingSettings())
    servicer = EventService([open_book], Pager(b"p" * 32), CURSORS, SEAL, sender, lambda: server.drain)
    settings = ServerSettings(
        mode="test",
        listeners=(Listener(address="127.0.0.1:0"),),
        drain_wait_s=0.1,
        drain_watch_s=1.0,
        drain_grace_s=1.0,
    )
    log = AccessLog(lambda _block: None)

    async def authenticate(_metadata):
        return ACME._replace(scopes=frozenset({"events.read", "subscriptions.read"}))

    server = RpcServer(settings, {SERVICE.full_name: servicer}, authenticate, log, services=(SERVICE,))
    await server.start()
    target = f"127.0.0.1:{server.ports[0]}"
    async with grpc.aio.secure_channel(target, grpc.local_channel_credentials()) as channel:
        yield open_book, server, event_service_pb2_grpc.EventServiceStub(channel)
    await server.stop()
    log.close()
    sender.close()


async def test_a_drained_stream_ends_with_a_cursor_that_another_server_takes(served):
    engine, server, stub = served
    stream = stub.StreamEvents(event_service_pb2.StreamEventsRequest(), metadata=TOKEN, timeout=PATIENCE_S)
    assert not (await stream.read()).events
    await happen(engine, "cafe", 1)
    assert amounts((await stream.read()).events) == [1]
    stopping = asyncio.create_task(server.stop())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    await happen(engine, "cafe", 2)
    await stopping
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    details = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"]).details
    info, retry = ErrorInfo(), RetryInfo()
    assert details[0].Unpack(info)
    assert details[1].Unpack(retry)
    assert info.reason == "DRAINING"
    assert CURSORS.read(info.metadata["cursor"])[1] == (await engine.reader.book()).sequence - 1


async def test_the_contract_bounds_what_is_asked_for(served):
    _, _, stub = served
    request = event_service_pb2.ListEventsRequest(event_types=["Payment"], page_size=201)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListEvents(request, metadata=TOKEN, timeout=PATIENCE_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    answer = await stub.ListEvents(event_service_pb2.ListEventsRequest(), metadata=TOKEN, timeout=PATIENCE_S)
    assert [event.type for event in answer.events] == ["merchant.created", "merchant.created"]
