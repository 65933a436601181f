"""Commands on clients and their keys: create, suspend (the kill switch), resume, add a key, revoke a key, be proven.

In: the operator's or the partner's wish; a verified client assertion. Out: clients, keys, used assertions.
Invariant: an assertion is accepted once, and only while its client and its key are, as of the commit that uses it.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.world import World

from .client import Client, ClientState, event_of, move
from .client_key import ALGORITHM_NUMBERS, ClientKey, ClientKeyState, algorithm_of, read_public_key, revoked
from .client_key import event_of as key_event
from .single_use import use, use_needs


def _new_key(world: World, client: str, public_key: bytes, expire_time: int) -> ClientKey:
    try:
        algorithm = algorithm_of(read_public_key(public_key))
    except ValueError as error:
        invalid("signing_key.public_key_der", str(error))
    if 0 < expire_time <= world.wall_us:
        invalid("signing_key.expire_time", "must be in the future")
    return ClientKey(
        world.new_id(), client, ALGORITHM_NUMBERS[algorithm], public_key, ClientKeyState.ACTIVE, 1, expire_time,
        world.wall_us, world.wall_us,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateClient(Command):
    """Admits a partner, operator or bank with its first key.

    Attributes:
        client: `partners/<id>`, `operators/<id>` or `banks/<id>`.
        display_name: What people call it.
        scopes: What its tokens may hold.
        public_key: DER of SubjectPublicKeyInfo, Ed25519 or P-256.
    """

    client: str
    display_name: str
    scopes: frozenset[str]
    public_key: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Whether the name is taken."""
        need.row(Client, self.client)

    def decide(self, world: World) -> Changes:
        """The first key's `kid` is told by the key itself, which is listed under the client."""
        if world.get(Client, self.client) is not None:
            raise Refused(Reason.RESOURCE_ALREADY_EXISTS, f"{self.client} exists", name=self.client)
        row = Client(
            self.client, self.display_name, " ".join(sorted(self.scopes)), ClientState.ACTIVE, 1, world.wall_us,
            world.wall_us,
        )  # fmt: skip
        key = _new_key(world, row.id, self.public_key, 0)
        return Changes(row, rows=(key,), events=(event_of(row, "created"), key_event(key, "created")))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChangeClient(Command):
    client: str

    depth: ClassVar[int] = 1
    to: ClassVar[ClientState]
    word: ClassVar[str]

    def needs(self, need: Need) -> None:
        """The client."""
        need.row(Client, self.client)

    def decide(self, world: World) -> Changes:
        """Moves it."""
        row = move(world.require(Client, self.client), self.to, world.wall_us)
        return Changes(row, events=(event_of(row, self.word),))


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendClient(_ChangeClient):
    """The kill switch: every call of the client and of its payers is refused from the next look on.

    Attributes:
        client: Its resource name.
    """

    to: ClassVar[ClientState] = ClientState.SUSPENDED
    word: ClassVar[str] = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeClient(_ChangeClient):
    """Lets a suspended client call again.

    Attributes:
        client: Its resource name.
    """

    to: ClassVar[ClientState] = ClientState.ACTIVE
    word: ClassVar[str] = "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSigningKey(Command):
    """Adds a key beside those that are in use.

    Attributes:
        client: Whose it is.
        algorithm: What the caller says it is, the contract's number.
        public_key: DER of SubjectPublicKeyInfo.
        expire_time: Wall clock, or 0 for never.
        keys_max: Keys of one client that are not revoked.
    """

    client: str
    algorithm: int
    public_key: bytes
    expire_time: int
    keys_max: int

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The client and its keys."""
        need.row(Client, self.client)
        need.all(ClientKey, "client", self.client)

    def decide(self, world: World) -> Changes:
        """A key that was revoked once is not admitted again under another name."""
        world.require(Client, self.client)
        keys = world.all(ClientKey, "client", self.client)
        if any(key.public_key == self.public_key for key in keys):
            raise Refused(Reason.RESOURCE_ALREADY_EXISTS, "this public key is or was registered")
        if sum(1 for key in keys if key.state == ClientKeyState.ACTIVE) >= self.keys_max:
            most = str(self.keys_max)
            raise Refused(Reason.COUNT_LIMIT_REACHED, f"at most {most} active keys", max_count=most)
        key = _new_key(world, self.client, self.public_key, self.expire_time)
        if key.algorithm != self.algorithm:
            invalid("signing_key.algorithm", "is not that of the key")
        return Changes(key, events=(key_event(key, "created"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSigningKey(Command):
    """Ends a key at once; tokens that were issued for it end with it.

    Attributes:
        key: Its key.
        client: Whose it must be.
    """

    key: bytes
    client: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The key."""
        need.row(ClientKey, self.key)

    def decide(self, world: World) -> Changes:
        """The last key may go too: then the operator has to add one."""
        key = world.require(ClientKey, self.key)
        if key.client != self.client:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="signing key")
        key = revoked(key, world.wall_us)
        return Changes(key, events=(key_event(key, "revoked"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class UseAssertion(Command):
    """Accepts a client assertion whose signature holds, once.

    Attributes:
        client: Who signed.
        key: With which key.
        use_key: Key of its single use.
        until_us: Wall clock from which it is not valid any more.
    """

    client: str
    key: bytes
    use_key: bytes
    until_us: int

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The client, its key, whether the assertion was used."""
        need.row(Client, self.client)
        need.row(ClientKey, self.key)
        use_needs(need, self.use_key)

    def decide(self, world: World) -> Changes:
        """A key that was revoked since the signature was verified is not accepted."""
        client, key = world.get(Client, self.client), world.get(ClientKey, self.key)
        if client is None or key is None or key.client != client.id or not key.accepted(world.wall_us):
            raise Refused(Reason.CLIENT_ASSERTION_INVALID)
        if client.state != ClientState.ACTIVE:
            raise Refused(Reason.PARTNER_SUSPENDED)
        return Changes(work=(use(world, self.use_key, self.until_us, Reason.CLIENT_ASSERTION_REPLAYED),))
