"""Connection: where a test installation listens, and who calls it.

In: what the program that started the server hands over. Out: open clients, one a caller. Invariant: the partner and the
two operators are different callers with keys of their own; nobody here may do what another one may.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from keelpay import AsyncClient, Defaults
from keelpay.credentials import local, signed, token
from keelpay.signing_key import SigningPrivateKey

CURRENCY: Final = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A running test installation on this machine.

    Attributes:
        target: `127.0.0.1:port`, listening with gRPC's local credentials.
        audience: The installation's name.
        partner: The partner's key: it calls with it, and vouches for people by it.
        operators: Two operators: the first one proposes, the second one approves.
        origin: Where passkeys sign.
        addresses: What a person may open afterwards, by what it is.
    """

    target: str
    audience: str
    partner: SigningPrivateKey
    operators: tuple[SigningPrivateKey, SigningPrivateKey]
    origin: str = "https://localhost"
    addresses: Mapping[str, str] = field(default_factory=dict)

    def as_holder_of_token(self, access_token: str) -> AsyncClient:
        """A client for whoever holds a token: a person's app."""
        return AsyncClient(self.target, credentials=local(token(access_token)))

    def as_holder_of_key(self, key: SigningPrivateKey) -> AsyncClient:
        """A client for a partner's or operator's backend."""
        caller = signed(key, audience=self.audience)
        defaults = Defaults(partner=self.partner.holder, region="CN")
        return AsyncClient(self.target, credentials=local(caller), defaults=defaults)


@dataclass(frozen=True, slots=True)
class Callers:
    """Open clients.

    Attributes:
        connection: What they were made of.
        partner: The partner's backend.
        maker: The operator who proposes, and looks.
        checker: The operator who approves.
    """

    connection: Connection
    partner: AsyncClient
    maker: AsyncClient
    checker: AsyncClient


@asynccontextmanager
async def open_callers(connection: Connection) -> AsyncIterator[Callers]:
    """Opens a client for each caller, and closes them at the end."""
    async with AsyncExitStack() as stack:
        partner, maker, checker = [
            await stack.enter_async_context(connection.as_holder_of_key(key))
            for key in (connection.partner, *connection.operators)
        ]
        yield Callers(connection, partner, maker, checker)
