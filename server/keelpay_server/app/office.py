"""The office: an installation opened without serving it, for who may call and with which keys.

In: settings. Out: the engine and the keeper of our own keys, or a reader of them.
Invariant: later work is left to a server; on SQLite the office is open only while no server is.
"""

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from keelpay_server.auth.client import Client, ClientState
from keelpay_server.auth.client_commands import CreateSigningKey, ResumeClient, RevokeSigningKey, SuspendClient
from keelpay_server.auth.client_key import ALGORITHM_NUMBERS, ClientKey, ClientKeyState
from keelpay_server.auth.evidence_seal import EvidenceSealer
from keelpay_server.auth.jwks import jwks_document
from keelpay_server.auth.key_keeper import KeyKeeper
from keelpay_server.auth.names import SIGNING_KEY
from keelpay_server.auth.platform_key import TOKENS, PlatformKey, ring_of
from keelpay_server.auth.signing_key import KeyAlgorithm
from keelpay_server.book import ids
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.times import SECOND_US
from keelpay_server.config import Settings
from keelpay_server.rpc.server import wall_us
from keelpay_server.storage.opening import open_store
from keelpay_server.storage.reading import open_for_reading

from .admission import Admitted, admit, new_key
from .master_key import load_master_key
from .reactions import REACTIONS
from .rooms import PLATFORM_KEYS, auth_settings
from .serving import process_name

_ALL: Final = Page(1000)


class Row(NamedTuple):
    """One key of a client, as people read it.

    Attributes:
        client: Its resource name.
        display_name: What people call it.
        suspended: Its calls are refused.
        key_id: The key.
        state: `active`, `expired` or `revoked`.
        create_time_us: When it was admitted, wall clock.
    """

    client: str
    display_name: str
    suspended: bool
    key_id: str
    state: str
    create_time_us: int


class Office:
    """What can be done about clients and keys.

    Args:
        engine: The book.
        keeper: Of our own keys.
        keys_max: Keys of one client that are not revoked.
    """

    def __init__(self, engine: Engine, keeper: KeyKeeper, keys_max: int) -> None:
        self._engine, self._keeper, self._keys_max = engine, keeper, keys_max

    async def admit(self, client: str, display_name: str) -> Admitted:
        """Lets a client in with a first key and every scope of its kind.

        Raises:
            Refused: RESOURCE_ALREADY_EXISTS.
        """
        return await admit(self._engine, client, display_name)

    async def add_key(self, client: str) -> Admitted:
        """Adds a key to a client beside those it has, so that it can change over without a pause.

        Raises:
            Refused: RESOURCE_NOT_FOUND, COUNT_LIMIT_REACHED.
        """
        private, public = new_key()
        command = CreateSigningKey(
            client=client, algorithm=ALGORITHM_NUMBERS[KeyAlgorithm.EDDSA], public_key=public, expire_time=0,
            keys_max=self._keys_max,
        )  # fmt: skip
        key = await self._engine.answer(ClientKey, await self._engine.execute(command))
        return Admitted(client, key.kid, private)

    async def revoke_key(self, client: str, key_id: str) -> None:
        """Ends a client's key at once.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ILLEGAL_TRANSITION.
        """
        await self._engine.execute(RevokeSigningKey(key=ids.parse(SIGNING_KEY, key_id, "key"), client=client))

    async def suspend(self, client: str) -> None:
        """Refuses every call of a client and of its payers.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ILLEGAL_TRANSITION.
        """
        await self._engine.execute(SuspendClient(client=client))

    async def resume(self, client: str) -> None:
        """Lets it call again.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ILLEGAL_TRANSITION.
        """
        await self._engine.execute(ResumeClient(client=client))

    async def rotate(self) -> str:
        """Adds a platform key, which takes over after its notice; returns its name."""
        return await self._keeper.rotate()

    async def revoke_platform_key(self, key_id: str) -> None:
        """Ends one of our own keys at once.

        Raises:
            Refused: RESOURCE_NOT_FOUND, CONFLICT while no other key signs.
        """
        await self._keeper.revoke(key_id)


@asynccontextmanager
async def open_office(settings: Settings, environment: Mapping[str, str] | None = None) -> AsyncIterator[Office]:
    """Opens the office.

    Raises:
        SettingsError, WrongMasterKey, WrongMode, FileBusy, DatabaseNewer, StorageLost: It cannot be opened.
    """
    master = load_master_key(settings, os.environ if environment is None else environment)
    async with open_store(settings.url(), book=settings.book, mode=settings.mode, wall=wall_us) as store:
        engine = Engine(settings.book, store, wall=wall_us, process=process_name(), reactions=REACTIONS)
        try:
            keeper = KeyKeeper(engine, master.derive(PLATFORM_KEYS), secrets.token_bytes)
            await keeper.open()
            yield Office(engine, keeper, auth_settings(settings).signing_keys_max)
        finally:
            await engine.close()


async def list_keys(settings: Settings) -> list[Row]:
    """Returns all clients and their keys, also while a server runs.

    Raises:
        BookMissing, DatabaseNewer, StorageLost: It cannot be read.
    """
    async with open_for_reading(settings.url(), settings.book) as reader:
        return [
            _row(client, key)
            for client in await reader.find(Client, {}, _ALL)
            for key in await reader.find(ClientKey, {"client": client.id}, _ALL)
        ]


async def platform_jwks(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """Returns our public keys as a JWKS document, also while a server runs.

    Raises:
        SettingsError, WrongMasterKey, BookMissing, DatabaseNewer, StorageLost: It cannot be read.
    """
    master = load_master_key(settings, os.environ if environment is None else environment)
    async with open_for_reading(settings.url(), settings.book) as reader:
        rows = await _platform_keys(reader)
    guard = master.derive(PLATFORM_KEYS)
    tokens = ring_of(rows, guard).verifiers(wall_us() / SECOND_US)
    return jwks_document([*tokens, EvidenceSealer(guard, secrets.token_bytes).public])


async def _platform_keys(reader: Reader) -> list[PlatformKey]:
    return await reader.find(PlatformKey, {"purpose": TOKENS}, _ALL)


def _row(client: Client, key: ClientKey) -> Row:
    suspended = client.state == ClientState.SUSPENDED
    return Row(client.id, client.display_name, suspended, key.kid, _word(key), key.create_time)


def _word(key: ClientKey) -> str:
    if key.state == ClientKeyState.REVOKED:
        return "revoked"
    return "active" if key.accepted(wall_us()) else "expired"
