"""The contract as the server sees it: every service descriptor of the generated packages, and each method's shape.

In: the generated modules under `keelpay.api`. Out: descriptors, message classes, full method names.
Invariant: nothing is listed by hand, so an RPC added to a proto file is known here the moment it is generated.
"""

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

CONTRACT_PACKAGE = "keelpay.api"


class StartRefusedError(Exception):
    """The server will not start: contract, policy and servicers disagree. The text names every offender."""


class MethodShape(NamedTuple):
    """One RPC of the contract.

    Attributes:
        name: The full method as on the wire, `/package.Service/Method`.
        descriptor: The protobuf method descriptor, with its options.
        request: The request's message class.
        response: The response's message class.
        client_streaming: Whether the request is a stream.
        server_streaming: Whether the response is a stream.
    """

    name: str
    descriptor: MethodDescriptor
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool


def load_services(package: str = CONTRACT_PACKAGE) -> tuple[ServiceDescriptor, ...]:
    """Imports every generated module below a package and returns its services, sorted by full name."""
    root = importlib.import_module(package)
    services: dict[str, ServiceDescriptor] = {}
    for folder in root.__path__:
        for file in sorted(Path(folder).rglob("*_pb2.py")):
            relative = file.relative_to(folder).with_suffix("")
            module = importlib.import_module(".".join((package, *relative.parts)))
            for service in module.DESCRIPTOR.services_by_name.values():
                services[service.full_name] = service
    return tuple(services[name] for name in sorted(services))


def methods_of(services: Iterable[ServiceDescriptor]) -> Iterator[MethodShape]:
    """Yields the shape of every RPC of the services, in the order of the proto files."""
    for service in services:
        for method in service.methods:
            yield MethodShape(
                name=f"/{service.full_name}/{method.name}",
                descriptor=method,
                request=GetMessageClass(method.input_type),
                response=GetMessageClass(method.output_type),
                client_streaming=method.client_streaming,
                server_streaming=method.server_streaming,
            )
