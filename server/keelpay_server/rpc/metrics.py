"""Metrics of the RPCs for Prometheus, named after gRFC A66: calls started, duration by method and status.

In: one `record` a call. Out: metric families at scrape time.
Invariant: recording is a few list writes on the event loop, without locks; all formatting happens in the scrape.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from keelpay_server.book.times import SECOND_US

# The latency buckets of gRFC A66, thinned out below a millisecond and above ten seconds, where nothing of ours lies.
BUCKETS_US = (
    300, 600, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 10_000, 16_000, 25_000, 40_000, 65_000, 100_000, 160_000,
    250_000, 400_000, 650_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000,
)  # fmt: skip


class _Cell:
    """Durations of one method with one status."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_US) + 1)
        self.sum_us = 0


class MethodMetrics:
    """What is counted for one method."""

    __slots__ = ("cells", "refusals", "started")

    def __init__(self) -> None:
        """Starts at zero."""
        self.started = 0
        self.cells: dict[str, _Cell] = {}
        self.refusals: dict[str, int] = {}

    def record(self, code: str, reason: str, duration_us: int) -> None:
        """Counts one call that has ended.

        Args:
            code: The gRPC status, such as `OK`.
            reason: The contract's reason, or empty.
            duration_us: From arrival to answer, in microseconds.
        """
        cell = self.cells.get(code)
        if cell is None:
            cell = self.cells[code] = _Cell()
        cell.counts[bisect_left(BUCKETS_US, duration_us)] += 1
        cell.sum_us += duration_us
        if reason:
            self.refusals[reason] = self.refusals.get(reason, 0) + 1


class RpcMetrics(Collector):
    """The metrics of a server. Register it with a CollectorRegistry."""

    def __init__(self, in_flight: Callable[[], tuple[int, int]]) -> None:
        """Makes empty metrics.

        Args:
            in_flight: Returns the calls and the watches that are open now.
        """
        self._in_flight = in_flight
        self._methods: dict[str, MethodMetrics] = {}

    def method(self, name: str) -> MethodMetrics:
        """Returns the counters of a full method name, made on first use."""
        return self._methods.setdefault(name, MethodMetrics())

    def collect(self) -> Iterator[Metric]:
        """Yields the metric families (called by the registry, in a thread of its own)."""
        started = CounterMetricFamily("grpc_server_call_started", "RPCs started", labels=["grpc_method"])
        duration = HistogramMetricFamily(
            "grpc_server_call_duration_seconds",
            "From the arrival of an RPC to its status",
            labels=["grpc_method", "grpc_status"],
        )
        refusals = CounterMetricFamily("keelpay_refusals", "RPCs refused", labels=["grpc_method", "reason"])
        for name, method in list(self._methods.items()):
            label = name.removeprefix("/")
            started.add_metric([label], method.started)
            for code, cell in list(method.cells.items()):
                bounds = [*(str(bound / SECOND_US) for bound in BUCKETS_US), "+Inf"]
                buckets = list(zip(bounds, accumulate(cell.counts), strict=True))
                duration.add_metric([label, code], buckets, cell.sum_us / SECOND_US)
            for reason, count in list(method.refusals.items()):
                refusals.add_metric([label, reason], count)
        calls, watches = self._in_flight()
        open_now = GaugeMetricFamily("keelpay_rpcs_in_flight", "RPCs open now", labels=["kind"])
        open_now.add_metric(["call"], calls)
        open_now.add_metric(["watch"], watches)
        yield from (started, duration, refusals, open_now)


def expose(registry: CollectorRegistry, port: int) -> tuple[int, Callable[[], None]]:
    """Serves the registry at http://127.0.0.1:<port>/metrics, on loopback only.

    Args:
        registry: What to expose.
        port: 0 for any free port.

    Returns:
        The port, and a function that ends the serving.
    """
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, close
