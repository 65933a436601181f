"""Tells keelpay what the sandbox bank decided late: signed notifications, repeated until they are taken.

In: the bank's news. Out: calls of RailNotificationService.Notify. Invariant: news is forgotten only after an OK; a
repeat carries the same bytes of news under the same id.
"""

import asyncio
from datetime import date
from typing import Final

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keelpay.api.rail.v1 import notification_pb2, notification_pb2_grpc
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.wire_render import stamp
from keelpay_server.rails import grpc_conversion as conversion
from keelpay_server.rails.notification import sign_notification

from .bank import SandboxBank
from .lane import BankLane
from .store import Notice

_LOOK_S: Final = 0.2
_PAUSE_S_MIN: Final = 1.0
_PAUSE_S_MAX: Final = 3600.0
_CALL_TIMEOUT_S: Final = 5.0
_ITEMS_A_LOOK: Final = 100


class Notifier:
    """Sends one bank's news.

    Args:
        lane: The bank's lane.
        channel: To keelpay.
        key_id: The name under which the key is registered with keelpay.
        private_key: What the bank signs with.
        token: A bearer token for the call, or empty where the client certificate says who calls.
    """

    def __init__(
        self, lane: BankLane, channel: grpc.aio.Channel, key_id: str, private_key: Ed25519PrivateKey, token: str = ""
    ) -> None:
        self._lane = lane
        self._stub: notification_pb2_grpc.RailNotificationServiceAsyncStub
        self._stub = notification_pb2_grpc.RailNotificationServiceStub(channel)
        self._key_id = key_id
        self._private_key = private_key
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        pause_s = _PAUSE_S_MIN
        while True:
            if await self.send_all():
                pause_s = _PAUSE_S_MIN
                await asyncio.sleep(_LOOK_S)
            else:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_S_MAX)

    async def send_all(self) -> bool:
        """Sends what there is to tell; False where keelpay did not take all of it."""
        for notice, result in await self._lane.call(SandboxBank.notices, _ITEMS_A_LOOK):
            try:
                await self._stub.Notify(self._seal(notice, result), timeout=_CALL_TIMEOUT_S, metadata=self._metadata)
            except grpc.RpcError:
                return False
            await self._lane.call(SandboxBank.drop_notice, notice.id)
        return True

    def _seal(self, notice: Notice, result: OperationResult | None) -> notification_pb2.NotifyRequest:
        news = notification_pb2.Notification(notification_id=notice.id, create_time=stamp(notice.create_us))
        if result is not None:
            news.result.CopyFrom(conversion.result_message(result))
        else:
            news.statement.statement_date = date.fromordinal(notice.day).isoformat()
            news.statement.currency_code = notice.currency
        bank = self._lane.bank.profile.bank
        content = news.SerializeToString(deterministic=True)
        return notification_pb2.NotifyRequest(
            bank=bank,
            key_id=self._key_id,
            notification=content,
            signature=sign_notification(self._private_key, bank, content),
        )
