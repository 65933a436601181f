"""Client: a partner, operator or bank that calls us with a key of its own, and whether it still may.

In: the operator's decisions. Out: the client after the step. Invariant: a suspended client's tokens are refused, and
its payers' with them; what it may do is its scopes and nothing else.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition

from .names import partner_name

COLLECTIONS: Final = {
    CallerKind.PARTNER: "partners", CallerKind.OPERATOR: "operators", CallerKind.BANK: "banks",
}  # fmt: skip
"""The kinds of callers that hold keys of their own, and the collection that names them."""
KINDS: Final = {collection: kind for kind, collection in COLLECTIONS.items()}


class ClientState(IntEnum):
    """Whether it may call, numbered as Partner.State of the contract."""

    ACTIVE = 1
    SUSPENDED = 2


TRANSITIONS: Final[dict[ClientState, frozenset[ClientState]]] = {
    ClientState.ACTIVE: frozenset({ClientState.SUSPENDED}),
    ClientState.SUSPENDED: frozenset({ClientState.ACTIVE}),
}


class Client(NamedTuple):
    """One client.

    Attributes:
        id: Resource name: `partners/acme`, `operators/ops-1`, `banks/sandbox-card`.
        display_name: What people call it.
        scopes: What its tokens may hold, space-separated, in order.
        state: A ClientState.
        state_version: Counts its changes.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: str
    display_name: str
    scopes: str
    state: int
    state_version: int
    create_time: int
    update_time: int

    @property
    def kind(self) -> CallerKind:
        """Which kind of caller it is."""
        return KINDS[self.id.partition("/")[0]]

    @property
    def subject(self) -> str:
        """Its id without the collection."""
        return self.id.partition("/")[2]


def client_of(kind: CallerKind, subject: str) -> str:
    """Returns the client behind a caller: for a payer (`<partner>/<id>`) the partner that vouches for it."""
    if kind is CallerKind.PAYER:
        return partner_name(subject.partition("/")[0])
    return f"{COLLECTIONS[kind]}/{subject}"


def move(client: Client, to: ClientState, wall_us: int) -> Client:
    """Returns the client in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[ClientState(client.state)]:
        refuse_transition("client", ClientState(client.state).name, to.name)
    return client._replace(state=to, state_version=client.state_version + 1, update_time=wall_us)


def event_of(client: Client, what: str, **data: Any) -> Event:
    """Returns the event of a client's step, such as `client.suspended`; a partner's own stream shows it."""
    collection, _, own = client.id.partition("/")
    owner = client.id if client.kind is CallerKind.PARTNER else ""
    return Event(f"client.{what}", collection, own, client.state_version, owner, {"state": int(client.state), **data})
