"""The standard health service (grpc.health.v1), by service, for balancers and clients that watch it.

In: the status of each service. Out: Check and Watch.
Invariant: every watcher hears every last state. (The servicer that grpcio-health-checking brings forgets all watchers
of a service when one of them leaves, so the others never hear of a drain; its messages are used, its servicer is not.)
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
WHOLE_SERVER = ""

Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]


class Health(health_pb2_grpc.HealthServicer):
    """Holds the status of the server ("") and of each service."""

    def __init__(self, services: Iterable[str]) -> None:
        """Knows the services by full name; all start as NOT_SERVING."""
        self._status: dict[str, int] = dict.fromkeys((WHOLE_SERVER, *services), NOT_SERVING)
        self._watchers: set[asyncio.Event] = set()
        self._draining = False

    def status(self, service: str = WHOLE_SERVER) -> int:
        """Returns what a client is told of a service."""
        return self._status.get(service, UNKNOWN)

    def set_status(self, service: str, *, serving: bool) -> None:
        """Sets one service; without effect once the server drains.

        Raises:
            KeyError: No such service.
        """
        if service not in self._status:
            raise KeyError(service)
        if not self._draining:
            self._status[service] = SERVING if serving else NOT_SERVING
            self._tell()

    def serve_all(self) -> None:
        """Sets everything to SERVING."""
        for service in self._status:
            self.set_status(service, serving=True)

    def drain(self) -> None:
        """Sets everything to NOT_SERVING, for good."""
        self._draining = True
        self._status = dict.fromkeys(self._status, NOT_SERVING)
        self._tell()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """Answers once; a service that does not exist is NOT_FOUND, as the health protocol says."""
        status = self.status(request.service)
        if status == UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, _context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tells the status now and at each change."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        told: int | None = None
        try:
            while True:
                status = self.status(request.service)
                if status != told:
                    told = status
                    yield health_pb2.HealthCheckResponse(status=status)
                await changed.wait()
                changed.clear()
        finally:
            self._watchers.discard(changed)

    def _tell(self) -> None:
        for changed in self._watchers:
            changed.set()
