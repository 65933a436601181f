"""ClientKey: the public half of a key with which a partner, operator or bank proves itself.

In: DER of SubjectPublicKeyInfo. Out: the key as verification needs it. Invariant: its name is its id and the `kid` of
whatever it signs; several may be active at once, so that a rotation breaks nothing; a revoked one never comes back.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keelpay_server.book import ids
from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition

from .names import SIGNING_KEY
from .signing_key import KeyAlgorithm, PublicKey, VerifyingKey

KIND: Final = SIGNING_KEY
ALGORITHMS: Final = {1: KeyAlgorithm.EDDSA, 2: KeyAlgorithm.ES256}
"""The contract's numbers of the algorithms."""
ALGORITHM_NUMBERS: Final = {algorithm: number for number, algorithm in ALGORITHMS.items()}


class ClientKeyState(IntEnum):
    """Whether signatures by it are accepted, numbered as in the contract."""

    ACTIVE = 1
    REVOKED = 2


TRANSITIONS: Final[dict[ClientKeyState, frozenset[ClientKeyState]]] = {
    ClientKeyState.ACTIVE: frozenset({ClientKeyState.REVOKED}),
    ClientKeyState.REVOKED: frozenset(),
}


class ClientKey(NamedTuple):
    """One key.

    Attributes:
        id: Its key; its text form is the `kid`.
        client: Whose it is: `partners/acme`.
        algorithm: 1 EdDSA, 2 ES256.
        public_key: DER of SubjectPublicKeyInfo.
        state: A ClientKeyState.
        state_version: Counts its changes.
        expire_time: Wall clock from which it is not accepted, or 0 for never.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    client: str
    algorithm: int
    public_key: bytes
    state: int
    state_version: int
    expire_time: int
    create_time: int
    update_time: int

    @property
    def kid(self) -> str:
        """Its name in the header of what it signs."""
        return ids.text(KIND, self.id)

    def accepted(self, wall_us: int) -> bool:
        """Whether signatures by it are accepted now."""
        return self.state == ClientKeyState.ACTIVE and not 0 < self.expire_time <= wall_us

    def verifying(self) -> VerifyingKey:
        """The key as verification needs it."""
        return VerifyingKey(self.kid, ALGORITHMS[self.algorithm], read_public_key(self.public_key))


def algorithm_of(public_key: PublicKey) -> KeyAlgorithm:
    """Returns the one algorithm that a public key is used with."""
    return KeyAlgorithm.EDDSA if isinstance(public_key, Ed25519PublicKey) else KeyAlgorithm.ES256


def verifying_keys(keys: Iterable[ClientKey], wall_us: int) -> dict[str, VerifyingKey]:
    """Returns the accepted ones of some keys by kid."""
    return {key.kid: key.verifying() for key in keys if key.accepted(wall_us)}


def revoked(key: ClientKey, wall_us: int) -> ClientKey:
    """Returns the key after its revocation.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if ClientKeyState.REVOKED not in TRANSITIONS[ClientKeyState(key.state)]:
        refuse_transition("signing key", ClientKeyState(key.state).name, ClientKeyState.REVOKED.name)
    return key._replace(state=ClientKeyState.REVOKED, state_version=key.state_version + 1, update_time=wall_us)


def event_of(key: ClientKey, what: str) -> Event:
    """Returns the event of a key's step, such as `signing_key.revoked`; a partner's own stream shows it."""
    owner = key.client if key.client.startswith("partners/") else ""
    data = {"state": int(key.state), "client": key.client}
    return Event(f"signing_key.{what}", KIND, key.id, key.state_version, owner, data)


def read_public_key(public_key: bytes) -> PublicKey:
    """Reads a public key.

    Args:
        public_key: DER of SubjectPublicKeyInfo.

    Raises:
        ValueError: It is not an Ed25519 or P-256 public key.
    """
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("not a readable public key") from error
    match key:
        case Ed25519PublicKey() | EllipticCurvePublicKey(curve=SECP256R1()):
            return key
        case _:
            raise ValueError("a signing key is Ed25519 or P-256")
