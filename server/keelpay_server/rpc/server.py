"""Builds and runs the gRPC server: every service of the contract behind the pipeline, health, reflection, drain.

In: settings, servicers by service name, the authentication. Out: a running server.
Invariant: contract, policy and servicers agree, or it does not start; once it drains, nothing acknowledged is lost.
"""

import asyncio
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from time import monotonic_ns, time_ns

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from keelpay_server.book.ports import WallClock

from .access_log import AccessLog
from .arrival import request_ids
from .contract import MethodShape, StartRefusedError, load_services, methods_of
from .drain import Drain
from .health import Health
from .limits import Load
from .listeners import Listener
from .metrics import RpcMetrics
from .pipeline import MethodPipeline
from .policy import Policy, read_policies
from .server_settings import ServerSettings
from .shedding import Shedding
from .stages import Authenticate, Stages
from .wire import Router, Served, make_reader, make_writer

_NS_PER_US = 1_000
_US_PER_MS = 1_000


def wall_us() -> int:
    """The wall clock in microseconds since the epoch."""
    return time_ns() // _NS_PER_US


def ticks_us() -> int:
    """A monotonic clock in microseconds."""
    return monotonic_ns() // _NS_PER_US


class RpcServer:
    """The server. `start`, later `stop`; `ports` are known once it is built."""

    def __init__(
        self,
        settings: ServerSettings,
        servicers: Mapping[str, object],
        authenticate: Authenticate,
        access_log: AccessLog,
        *,
        not_served: Collection[str] = (),
        services: tuple[ServiceDescriptor, ...] | None = None,
        wall_clock: WallClock = wall_us,
        ticks: Callable[[], int] = ticks_us,
    ) -> None:
        """Puts every method behind the pipeline and binds the listeners.

        Args:
            settings: How to listen and what to bear.
            servicers: By full service name (`keelpay.api.gateway.v1.PaymentService`).
            authenticate: The port to the auth room.
            access_log: Where calls are written down.
            not_served: Full names of services of the contract that this process leaves out on purpose: those that
                partners serve, and the sandbox in live mode.
            services: The contract; None reads it from `keelpay.api`.
            wall_clock: Wall clock in microseconds.
            ticks: Monotonic clock in microseconds.

        Raises:
            StartRefusedError: Contract, policy and servicers disagree, or an address cannot be bound.
        """
        contract = load_services() if services is None else services
        served = _agree(contract, servicers, not_served)
        methods = tuple(methods_of(served))
        policies = read_policies(methods_of(contract))
        self._settings = settings
        self.load = Load(
            settings.calls_max, settings.watches_max, settings.watches_per_caller_max, settings.retry_after_ms
        )
        self.drain = Drain(settings.retry_after_ms)
        self.metrics = RpcMetrics(lambda: (self.load.calls, self.load.watches))
        self.health = Health(service.full_name for service in served)
        stages = Stages(
            authenticate=authenticate,
            mode=settings.mode,
            load=self.load,
            drain=self.drain,
            metrics=self.metrics,
            access_log=access_log,
            wall_us=wall_clock,
            ticks_us=ticks,
            make_request_id=request_ids(),
            deadline_us_min=settings.deadline_ms_min * _US_PER_MS,
            storage_retry_after_ms=settings.retry_after_ms,
            edge_key=settings.edge_key,
            rate_callers_max=settings.rate_callers_max,
        )
        table = _table(methods, policies, servicers, stages)
        # The core's own limit is the last wall against overload. Our two limits lie within it, with room to spare for
        # refusing in words (a refusal costs a call for a moment) and for health watches.
        rpcs_max = 2 * settings.calls_max + settings.watches_max
        self._server = grpc.aio.server(options=settings.channel_options(), maximum_concurrent_rpcs=rpcs_max)
        self._server.add_generic_rpc_handlers((Router(table, self.load),))
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        if settings.reflection:
            names = [service.full_name for service in served]
            health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            reflection.enable_server_reflection((*names, health_name, reflection.SERVICE_NAME), self._server)
        self._announced = False
        self.ports = tuple(self._bind(listener) for listener in settings.listeners)

    async def start(self) -> None:
        """Accepts connections, and tells health checks so."""
        await self._server.start()
        self.health.serve_all()

    async def announce_leaving(self) -> None:
        """Tells health checks that this process leaves, and gives balancers time to turn away."""
        self._announced = True
        self.health.drain()
        await asyncio.sleep(self._settings.drain_wait_s)

    async def stop(self) -> None:
        """Leaves without losing a call (F8): NOT_SERVING, a wait, refusals, the end of watches, the last answers."""
        settings = self._settings
        if not self._announced:
            await self.announce_leaving()
        self.drain.begin()
        await asyncio.sleep(settings.drain_watch_s)
        self.drain.end_watches()
        await self._server.stop(settings.drain_grace_s)

    async def wait(self) -> None:
        """Returns when the server has stopped."""
        await self._server.wait_for_termination()

    def _bind(self, listener: Listener) -> int:
        try:
            return self._server.add_secure_port(listener.address, listener.credentials())
        except (RuntimeError, OSError, ValueError) as error:
            raise StartRefusedError(f"cannot listen on {listener.address}: {error}") from error


def _table(
    methods: Iterable[MethodShape], policies: Mapping[str, Policy], servicers: Mapping[str, object], stages: Stages
) -> dict[str, Served]:
    """Puts every method behind its pipeline."""
    table = {}
    for method in methods:
        behaviour = _behaviour(servicers[method.descriptor.containing_service.full_name], method)
        read, write = make_reader(method), make_writer(method)
        pipeline = MethodPipeline(method, policies[method.name], read, write, behaviour, stages)
        shed = None if pipeline.is_watch else Shedding(method.name, stages).handler()
        table[method.name] = Served(pipeline.handler(), shed)
    return table


def _agree(
    contract: tuple[ServiceDescriptor, ...], servicers: Mapping[str, object], not_served: Collection[str]
) -> tuple[ServiceDescriptor, ...]:
    """Returns the services to serve, or refuses the start naming every disagreement."""
    known = {service.full_name for service in contract}
    faults = [f"{name} has no servicer" for name in sorted(known - servicers.keys() - set(not_served))]
    faults += [f"{name} is not in the contract" for name in sorted((servicers.keys() | set(not_served)) - known)]
    faults += [f"{name} is served and left out" for name in sorted(servicers.keys() & set(not_served))]
    served = tuple(service for service in contract if service.full_name in servicers)
    for method in methods_of(served):
        if _is_missing(_method_of(servicers[method.descriptor.containing_service.full_name], method)):
            faults.append(f"{method.name} is not implemented")
    if faults:
        raise StartRefusedError("contract and servicers disagree: " + "; ".join(faults))
    return served


def _method_of(servicer: object, method: MethodShape) -> object:
    return getattr(servicer, method.descriptor.name, None)


def _behaviour(servicer: object, method: MethodShape) -> Callable[[object, object], object]:
    behaviour = _method_of(servicer, method)
    assert callable(behaviour)
    return behaviour


def _is_missing(behaviour: object) -> bool:
    """Whether a servicer lacks a method: not there, or only as the generated base class has it."""
    return not callable(behaviour) or str(getattr(inspect.unwrap(behaviour), "__module__", "")).endswith("_pb2_grpc")
