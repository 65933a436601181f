"""A partner's endpoint for webhooks: a real HTTPS server on loopback, with a certificate of its own authority.

In: what to answer. Out: the requests that came, and the context that trusts it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.infrastructure.waiting import until

OK = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Keeps what comes and answers by `answer`, which gets the request's number (from 1); None is silence.

    Who is answered with silence hears nothing until `released` is set, and then that the line is closed.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[int], bytes | None] = lambda _number: OK
        self.released = asyncio.Event()
        self.port = 0
        self.trust = ssl.create_default_context()

    @property
    def uri(self) -> str:
        return f"https://localhost:{self.port}/hooks?of=keelpay"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append(Request(head[0], headers, body))
            answer = self.answer(len(self.requests))
            if answer is None:
                await self.released.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def until(self, count: int) -> None:
        """Waits for so many requests."""
        await until(lambda: len(self.requests) >= count)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[Receiver]:
    """A running receiver."""
    certificate, key = make_certificate(folder)
    receiver = Receiver()
    receiver.trust.load_verify_locations(certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tasks: set[asyncio.Task] = set()

    async def serve(reader, writer):
        task = asyncio.current_task()
        tasks.add(task)
        try:
            await receiver.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, ssl_shutdown_timeout=0.2)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
