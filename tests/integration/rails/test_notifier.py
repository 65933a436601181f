"""The bank tells its late decisions: signed, repeated until taken, the same news under the same id."""

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keelpay.api.rail.v1 import notification_pb2, notification_pb2_grpc
from keelpay_server.book.rail import OperationKind, OperationRequest
from keelpay_server.rails.notification import verify_notification
from keelpay_server.rails.sandbox.bank import SandboxBank
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.lane import BankLane
from keelpay_server.rails.sandbox.magic import instrument_of
from keelpay_server.rails.sandbox.notifier import Notifier
from keelpay_server.rails.sandbox.store import BankStore

NOON_US = 1_772_337_600_000_000


class Ear(notification_pb2_grpc.RailNotificationServiceServicer):
    """Takes notifications, or is deaf."""

    def __init__(self):
        self.heard, self.deaf = [], True

    async def Notify(self, request, context):
        self.heard.append((request, dict(context.invocation_metadata()).get("authorization")))
        if self.deaf:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "deaf")
        return notification_pb2.NotifyResponse()


async def test_news_is_repeated_with_the_same_bytes_until_it_is_taken():
    now = [NOON_US]
    bank = SandboxBank(BankProfile(), BankStore(), lambda: now[0], tells=True)
    key = Ed25519PrivateKey.generate()
    ear, server = Ear(), grpc.aio.server()
    notification_pb2_grpc.add_RailNotificationServiceServicer_to_server(ear, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    instrument = instrument_of("pending-success")
    bank.operate([OperationRequest(bytes(16), OperationKind.AUTHORIZE, 1000, "CNY", instrument, capture=True)])
    now[0] += 2_000_000
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        notifier = Notifier(BankLane(bank), channel, "key-1", key, token="t")
        assert not await notifier.send_all()
        assert not await notifier.send_all()
        ear.deaf = False
        bank.advance(days=1)
        assert await notifier.send_all()
        assert await notifier.send_all()
    await server.stop(0)
    bank.close()
    requests = [request for request, _ in ear.heard]
    assert requests[0] == requests[1] == requests[2]
    assert len(requests) == 4
    assert {token for _, token in ear.heard} == {"Bearer t"}
    keys = {"key-1": key.public_key().public_bytes_raw()}
    for request in requests:
        assert verify_notification(
            keys, bank=request.bank, key_id=request.key_id, notification=request.notification,
            signature=request.signature,
        )  # fmt: skip
    news = [notification_pb2.Notification.FromString(request.notification) for request in requests]
    assert (news[0].result.key, news[0].result.outcome) == (bytes(16), 1)
    assert news[3].statement.currency_code == "CNY"
    assert news[3].notification_id != news[0].notification_id
