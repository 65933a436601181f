"""The test service: its contract, compiled from echo.proto when imported, and a servicer that does as it is told."""

import asyncio
import importlib.resources
import tempfile
from pathlib import Path

import grpc
import grpc_tools
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

from keelpay.api.type.v1 import bounds_pb2, money_pb2, policy_pb2
from keelpay_server.book.call import current
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

ROOT = Path(__file__).parents[3]
# The pool resolves echo.proto's imports from these modules.
IMPORTS = (field_behavior_pb2, duration_pb2, field_mask_pb2, timestamp_pb2, bounds_pb2, money_pb2, policy_pb2)
GOOGLE = Path(field_behavior_pb2.__file__).parents[2]
FILE = "tests/integration/rpc/echo.proto"


def _compile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "echo.bin")
        includes = (ROOT, ROOT / "protos", GOOGLE, importlib.resources.files(grpc_tools) / "_proto")
        arguments = ["protoc", *(f"-I{path}" for path in includes), f"--descriptor_set_out={output}", FILE]
        assert protoc.main(arguments) == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    descriptor_pool.Default().Add(files.file[0])


_compile()
_POOL = descriptor_pool.Default()
ECHO = _POOL.FindServiceByName("keelpay.test.v1.EchoService")
LAWLESS = _POOL.FindServiceByName("keelpay.test.v1.LawlessService")


def message_class(name):
    return GetMessageClass(_POOL.FindMessageTypeByName(f"keelpay.test.v1.{name}"))


EchoRequest, EchoResponse = message_class("EchoRequest"), message_class("EchoResponse")
Bounded, UpdatePartRequest, Unbound = (
    message_class("Bounded"),
    message_class("UpdatePartRequest"),
    message_class("Unbound"),
)
SECRET_TEXT = "card 4111111111111111 in table payments"


class EchoServicer:
    """Does what `act` says.

    `seen` holds every message that reached it, `commits` what was finished; what holds goes on when `go` is set.
    """

    def __init__(self):
        self.seen = []
        self.commits = []
        self.calls = []
        self.go = asyncio.Event()

    async def _serve(self, request, context):
        self.seen.append(request.text)
        self.calls.append(current())
        if request.delay_ms:
            await asyncio.sleep(request.delay_ms / 1000)
        match request.act:
            case "hold":
                await self.go.wait()
            case "crash":
                raise RuntimeError(SECRET_TEXT)
            case "wrong":
                return bounds_pb2.Bounds()
            case "refuse":
                raise Refused(Reason.CONFLICT, "try again", retry_after_ms=1500, merchant="merchants/cafe")
            case "stranger":
                raise Refused(Reason.NOT_OWNER, f"{request.text} belongs to acme", resource=request.text, owner="acme")
            case "nothing":
                raise Refused(Reason.RESOURCE_NOT_FOUND, f"{request.text} is not known", resource=request.text)
            case "lost":
                raise StorageLost
            case "abort":
                await context.abort(grpc.StatusCode.DATA_LOSS, "said by the servicer")
            case "trailer":
                context.set_trailing_metadata((("x-read-token", "t1"),))
        self.commits.append(request.text)
        return EchoResponse(text=request.text)

    Echo = Look = Rare = Brief = Hello = Greet = _serve

    async def Watch(self, request, context):
        for number in range(3):
            yield EchoResponse(text=f"{request.text}{number}")
        if request.act == "stay":
            await asyncio.Event().wait()
        await self._serve(request, context)

    async def Upload(self, requests, context):
        texts = [(await self._serve(request, context)).text async for request in requests]
        return EchoResponse(text=",".join(texts))

    async def Ingest(self, requests, context):
        async for request in requests:
            yield await self._serve(request, context)
