"""The bare echo: grpc.aio with one handler that answers the bytes it got, the upper bound of any unary call.

In: messages of the size of a payment request. Out: the same bytes. Invariant: nothing but gRPC: no parsing, no
interceptor, no token; the same credentials and options as the real server, so that the wire is the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import grpc

from bench.process import serve
from keelpay_server.rpc.listeners import Listener
from keelpay_server.rpc.server_settings import ServerSettings

METHOD: Final = "/keelpay.bench.Echo/Echo"
_LISTENER: Final = Listener(address="127.0.0.1:0")


async def _echo(raw: bytes, context: object) -> bytes:  # noqa: ARG001  (the signature is gRPC's)
    return raw


async def run(settings: dict[str, Any], until_stopped: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:  # noqa: ARG001
    options = ServerSettings(mode="test", listeners=(_LISTENER,)).channel_options()
    server = grpc.aio.server(options=options)
    service, _, method = METHOD[1:].partition("/")
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {method: grpc.unary_unary_rpc_method_handler(_echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_secure_port(_LISTENER.address, _LISTENER.credentials())
    await server.start()
    try:
        await until_stopped({"address": f"127.0.0.1:{port}"})
    finally:
        await server.stop(1.0)


if __name__ == "__main__":
    serve(run)
