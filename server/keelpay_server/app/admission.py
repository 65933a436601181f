"""Admission: partners, operators and banks are let in here, at the machine, never over the network.

In: a name and what it may do. Out: the client, admitted, with a private key that is shown once and kept nowhere.
Invariant: a client never has a scope that no RPC asks of its kind.
"""

from typing import Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keelpay_server.auth.client import Client
from keelpay_server.auth.client_commands import CreateClient
from keelpay_server.auth.client_key import ClientKey
from keelpay_server.auth.signing_key import KeyAlgorithm, generate_signing_key, write_pem
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.readable import unreadable
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.policy import read_policies

KINDS: Final = {
    "partners": CallerKind.PARTNER, "operators": CallerKind.OPERATOR, "banks": CallerKind.BANK,
}  # fmt: skip

SANDBOX_PARTNER: Final = "sandbox"


class Admitted(NamedTuple):
    """A client that was let in.

    Attributes:
        client: `partners/<id>`, `operators/<id>` or `banks/<id>`.
        key_id: Name of its first signing key.
        private_key: The private half, PEM.
    """

    client: str
    key_id: str
    private_key: bytes


def scopes_of(kind: CallerKind) -> frozenset[str]:
    """Returns every scope that the contract asks of a kind of caller."""
    rows = read_policies(methods_of(load_services())).values()
    return frozenset(row.scope for row in rows if kind in row.callers and row.scope)


async def admit(engine: Engine, client: str, display_name: str, scopes: frozenset[str] | None = None) -> Admitted:
    """Lets a client in with a new key.

    Args:
        engine: The book.
        client: Its resource name.
        display_name: What people call it.
        scopes: What its tokens may hold; None for all of its kind.

    Raises:
        Refused: RESOURCE_ALREADY_EXISTS; FIELD_INVALID for a display name that people cannot read.
        KeyError: The name is of no known kind.
    """
    if sentence := unreadable(display_name, lines=False):
        invalid("display_name", sentence)
    kind = KINDS[client.partition("/")[0]]
    allowed = scopes_of(kind) if scopes is None else scopes & scopes_of(kind)
    private, public = new_key()
    await engine.execute(CreateClient(client=client, display_name=display_name, scopes=allowed, public_key=public))
    (row,) = await engine.reader.find(ClientKey, {"client": client})
    return Admitted(client, row.kid, private)


async def admit_sandbox(engine: Engine) -> Admitted | None:
    """Lets the sandbox partner in where nobody is in yet; returns None where somebody is."""
    if await engine.reader.count(Client, {}):
        return None
    try:
        return await admit(engine, f"partners/{SANDBOX_PARTNER}", "Sandbox partner")
    except Refused:  # another process of the same installation was quicker
        return None


def new_key() -> tuple[bytes, bytes]:
    """Returns a new Ed25519 key: its private half as PEM, its public half as DER."""
    key = generate_signing_key(KeyAlgorithm.EDDSA)
    public = key.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return write_pem(key).encode(), public
