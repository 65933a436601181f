"""The client of a benchmark, in a process of its own: callers that each send the next call when the last is answered.

In: a server, a number of callers, seconds. Out: calls answered within the measured time, and how long each took.
Invariant: a call counts only if its answer says what it should; what was acknowledged in all, warm-up included, is
told too, so that the books can be checked against it.
"""

import asyncio
import contextlib
import gc
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from math import inf
from typing import Any, Final

import grpc

from bench.echo import METHOD as ECHO_METHOD
from bench.process import answer, read_lines
from bench.town import AMOUNT_MAX_MINOR, AMOUNT_MIN_MINOR, CURRENCY, REGION, Buyer
from keelpay.api.gateway.v1 import payment_pb2, payment_request_pb2
from keelpay.api.type.v1 import channel_pb2
from keelpay.request_id import new_request_id

CREATE_METHOD: Final = "/keelpay.api.gateway.v1.PaymentService/CreatePayment"
CHANNELS_MAX: Final = 4
TIMEOUT_S: Final = 60.0
"""Longer than any server waits: what is measured is the server's own deadline, if it has one."""
WARM_S_MAX: Final = 6.0
"""How long a warm-up may take beyond its time."""
_CAPTURED: Final = payment_pb2.Payment.STATE_CAPTURED
_MS_PER_S: Final = 1000.0
_CHANNEL_OPTIONS: Final = (("grpc.use_local_subchannel_pool", 1),)  # else all channels would share one connection


Request = tuple[bytes, tuple[tuple[str, str], ...], int]
"""Bytes, metadata, amount in minor units of one call."""


class Tally:
    """What one measurement counted."""

    def __init__(self) -> None:
        self.begin = self.end = inf
        self.latencies_ms: list[float] = []
        self.acknowledged = self.acknowledged_minor = 0
        self.failures: Counter[str] = Counter()

    def note(self, started: float, ended: float, amount: int) -> None:
        """Counts a call that was answered well."""
        self.acknowledged += 1
        self.acknowledged_minor += amount
        if self.begin <= ended < self.end:
            self.latencies_ms.append((ended - started) * _MS_PER_S)

    def figures(self) -> dict[str, Any]:
        """Returns what is reported."""
        sorted_ms = sorted(self.latencies_ms) or [0.0]
        return {
            "per_second": len(self.latencies_ms) / (self.end - self.begin),
            "p50_ms": _quantile(sorted_ms, 0.50),
            "p99_ms": _quantile(sorted_ms, 0.99),
            "calls": len(self.latencies_ms),
            "acknowledged": self.acknowledged,
            "acknowledged_minor": self.acknowledged_minor,
            "failures": dict(self.failures),
        }


def _quantile(sorted_ms: Sequence[float], share: float) -> float:
    return sorted_ms[min(int(len(sorted_ms) * share), len(sorted_ms) - 1)]


class Requests:
    """CreatePayment requests with confirm: each caller is a backend of one partner and pays for its payers in turn.

    Args:
        buyers: Everybody who may pay.
        tokens: Access token of each partner.
        wallet: Pay from the stored wallet, not from the balance.
        seed: Of the amounts and the payers drawn; also part of each payment's number.
    """

    def __init__(self, buyers: Sequence[Buyer], tokens: dict[str, str], *, wallet: bool, seed: int) -> None:
        self._draw = random.Random(seed)
        self._headers = [(("authorization", f"Bearer {token}"),) for token in tokens.values()]
        self._templates = [
            [_template(buyer, wallet=wallet) for buyer in buyers if buyer.partner == partner] for partner in tokens
        ]
        self._seed, self._numbers = seed, count()

    def next(self, caller: int) -> Request:
        """Returns a caller's next request."""
        partner = caller % len(self._headers)
        message = self._draw.choice(self._templates[partner])
        amount = self._draw.randint(AMOUNT_MIN_MINOR, AMOUNT_MAX_MINOR)
        message.request_id = new_request_id()
        message.payment.merchant_payment_id = f"{self._seed}-{next(self._numbers)}"
        message.payment.amount.amount_minor = amount
        return message.SerializeToString(), self._headers[partner], amount


def _template(buyer: Buyer, *, wallet: bool) -> payment_request_pb2.CreatePaymentRequest:
    way: dict[str, Any] = (
        {"channel": 1, "instrument": buyer.wallet} if wallet else {"channel": 2, "mandate": buyer.mandate}
    )
    request = payment_request_pb2.CreatePaymentRequest(
        parent=buyer.merchant,
        confirm=True,
        payment=payment_pb2.Payment(
            payer=buyer.payer,
            region=REGION,
            region_source=channel_pb2.REGION_SOURCE_MERCHANT,
            description="breakfast",
            **way,
        ),
    )
    request.payment.amount.currency_code = CURRENCY
    request.payment.device.device_id = buyer.device
    return request


def is_paid(raw: bytes) -> str:
    """Returns an empty text if an answer says that the payment was captured, else what it says."""
    state = payment_request_pb2.CreatePaymentResponse.FromString(raw).payment.state
    return "" if state == _CAPTURED else payment_pb2.Payment.State.Name(state)


async def measure(
    address: str, method: str, requests: Requests, judge: Callable[[bytes], str], *,
    callers: int, warm_s: float, measured_s: float,
) -> dict[str, Any]:  # fmt: skip
    """Runs one measurement: callers in a closed loop for the warm-up and the measured time, then waits for the last."""
    channels = [
        grpc.aio.secure_channel(address, grpc.local_channel_credentials(), options=_CHANNEL_OPTIONS)
        for _ in range(min(callers, CHANNELS_MAX))
    ]
    tally, turned = Tally(), asyncio.Event()

    async def caller(number: int) -> None:
        channel = channels[number % len(channels)]
        call: Any = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        while (started := time.perf_counter()) < tally.end:
            raw, metadata, amount = requests.next(number)
            try:
                answered = await call(raw, metadata=metadata, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                tally.failures[f"{error.code().name} {error.details()}"[:100]] += 1
                continue
            if wrong := judge(answered):
                tally.failures[wrong] += 1
            else:
                tally.note(started, time.perf_counter(), amount)
            if tally.acknowledged >= callers:
                turned.set()

    async def open_window() -> None:
        """Measures once it is warm: after a time, and after a whole turn, so that rates are those of a full queue."""
        await asyncio.sleep(warm_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(turned.wait(), WARM_S_MAX)
        tally.begin = time.perf_counter()
        tally.end = tally.begin + measured_s

    try:
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        await asyncio.gather(open_window(), *(caller(number) for number in range(callers)))
    finally:
        for channel in channels:
            await channel.close()
    return tally.figures()


async def main() -> None:
    lines = await read_lines()
    buyers = [Buyer(*row) for row in json.loads(await lines.readline())["buyers"]]
    answer({})
    gc.collect()
    gc.freeze()
    async for line in lines:
        order = json.loads(line)
        requests = Requests(buyers, order["tokens"], wallet=order["kind"] == "wallet", seed=order["seed"])
        echo = order["kind"] == "echo"
        measured = await measure(
            order["address"], ECHO_METHOD if echo else CREATE_METHOD, requests, _any if echo else is_paid,
            callers=order["callers"], warm_s=order["warm_s"], measured_s=order["measured_s"],
        )  # fmt: skip
        answer(measured)


def _any(_raw: bytes) -> str:
    return ""


if __name__ == "__main__":
    asyncio.run(main())
