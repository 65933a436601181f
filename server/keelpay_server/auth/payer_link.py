"""Payer link: one page for one payer, opened once by whoever comes first; and the session that this opening began.

In: a partner's request, later the link's secret. Out: the link after the step. Invariant: only a hash of the secret is
stored; a link is opened once and by one request; of one target, the newest link alone can be opened or gone on with.
"""

import hashlib
import json
from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.times import SECOND_US

from .token import Attestation, PayerPurpose

KIND: Final = "lnk"
REPEAT_US: Final = 120 * SECOND_US
"""How long the request that opened a link may be repeated: its first answer may have been lost."""
SESSION_US_MIN: Final = 600 * SECOND_US
"""A session lasts at least this long, however late its link was opened."""


class PayerLinkState(IntEnum):
    """Life of a link."""

    OPEN = 1
    USED = 2
    REPLACED = 3


_S = PayerLinkState
TRANSITIONS: Final[dict[PayerLinkState, frozenset[PayerLinkState]]] = {
    _S.OPEN: frozenset({_S.USED, _S.REPLACED}),
    _S.USED: frozenset({_S.REPLACED}),
    _S.REPLACED: frozenset(),
}


class PayerLink(NamedTuple):
    """One link. Times are wall clock, microseconds.

    Attributes:
        id: Its key; also the id of the session that it opens.
        digest: SHA-256 of the secret.
        seed: 32 random bytes from which, with a key that is not in the database, the secret is made again.
        payer: `<partner>/<id>`.
        purpose: A PayerPurpose.
        payment: The payment's resource name for PAY; empty otherwise.
        attestation: How the partner knew the person, JSON, for ENROL; empty otherwise.
        client_key: The partner's key that asked for it: sessions end with that key.
        live_target: What it is for while no newer link took its place; NULL after.
        state: A PayerLinkState.
        open_time: When it was opened, or 0.
        device: The digest of the device that opened it (auth.device), or empty.
        expire_time: Until when it can be opened.
        create_time: When it was made.
        update_time: When it last changed.
        return_uri: Where the payer goes back to from a page to enrol or to manage; empty for nowhere.
    """

    id: bytes
    digest: bytes
    seed: bytes
    payer: str
    purpose: str
    payment: str
    attestation: str
    client_key: str
    live_target: str | None
    state: int
    open_time: int
    device: str
    expire_time: int
    create_time: int
    update_time: int
    return_uri: str = ""

    @property
    def session_end_time(self) -> int:
        """Until when its session is given new tokens."""
        return max(self.expire_time, self.open_time + SESSION_US_MIN) if self.open_time else self.expire_time


def target_of(purpose: PayerPurpose, payer: str, payment: str) -> str:
    """Returns what a link is for; of one target only the newest link counts."""
    return f"{purpose.value}:{payment or payer}"


def digest_of(secret: bytes) -> bytes:
    """Returns what is stored of a secret, and found by."""
    return hashlib.sha256(secret).digest()


def move(link: PayerLink, to: PayerLinkState, wall_us: int, **changes: Any) -> PayerLink:
    """Returns the link in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[_S(link.state)]:
        refuse_transition("link", _S(link.state).name, to.name)
    return link._replace(state=to, update_time=wall_us, **changes)


def require_not_replaced(link: PayerLink) -> None:
    """Lets a link pass that is the newest of its target.

    Raises:
        Refused: CHECKOUT_LINK_REPLACED.
    """
    if link.state == _S.REPLACED:
        raise Refused(Reason.CHECKOUT_LINK_REPLACED, "a newer link took its place")


def require_open(link: PayerLink, wall_us: int) -> None:
    """Lets a link be opened.

    Raises:
        Refused: CHECKOUT_LINK_REPLACED, CHECKOUT_LINK_USED, CHECKOUT_LINK_EXPIRED.
    """
    require_not_replaced(link)
    if link.state == _S.USED:
        raise Refused(Reason.CHECKOUT_LINK_USED, "it was opened before")
    if wall_us >= link.expire_time:
        raise Refused(Reason.CHECKOUT_LINK_EXPIRED, "its time is over")


def require_session(link: PayerLink, wall_us: int) -> None:
    """Lets the session that a link opened go on.

    Raises:
        Refused: CHECKOUT_LINK_REPLACED, CHECKOUT_LINK_EXPIRED.
    """
    require_not_replaced(link)
    if link.state != _S.USED or wall_us >= link.session_end_time:
        raise Refused(Reason.CHECKOUT_LINK_EXPIRED, "the session is over")


def require_repeat(link: PayerLink, wall_us: int) -> None:
    """Lets the request that opened a link be answered again, for a while.

    Raises:
        Refused: CHECKOUT_LINK_USED, CHECKOUT_LINK_REPLACED, CHECKOUT_LINK_EXPIRED.
    """
    require_session(link, wall_us)
    if wall_us >= link.open_time + REPEAT_US:
        raise Refused(Reason.CHECKOUT_LINK_USED, "it was opened before")


def write_attestation(attestation: Attestation | None) -> str:
    """Returns the stored form of how a partner knew a person."""
    if attestation is None:
        return ""
    return json.dumps([attestation.authenticated_at_s, list(attestation.methods), attestation.digest])


def read_attestation(text: str) -> Attestation | None:
    """Reads it back."""
    if not text:
        return None
    at_s, methods, digest = json.loads(text)
    return Attestation(authenticated_at_s=at_s, methods=tuple(methods), digest=digest)
