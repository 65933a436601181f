"""clientDataJSON: what the browser says it did, signed along with the authenticator's data (WebAuthn L3 section 5.8.1).

In: the bytes the browser hashed. Out: typed members. Invariant: members we know have their declared types; members we
do not know are allowed, since the standard adds some at random to keep parsers honest.
"""

from typing import Any, NamedTuple

from .strict_json import parse_object, text_member


class ClientData(NamedTuple):
    """The members that verification reads.

    Attributes:
        type: The ceremony, such as `webauthn.get`.
        challenge: The challenge as base64url text.
        origin: Where the page or app ran.
        cross_origin: Whether the page was a frame inside another origin.
        top_origin: The top-level page's origin, where the browser tells it.
        payment: The member that Secure Payment Confirmation adds, unchecked.
    """

    type: str
    challenge: str
    origin: str
    cross_origin: bool
    top_origin: str | None
    payment: dict[str, Any] | None


def parse_client_data(raw: bytes) -> ClientData:
    """Reads clientDataJSON.

    Raises:
        ValueError: It is not JSON, or a known member is missing or of another type.
    """
    members = parse_object(raw)
    cross_origin = members.get("crossOrigin", False)
    top_origin = members.get("topOrigin")
    payment = members.get("payment")
    if not isinstance(cross_origin, bool):
        raise ValueError("crossOrigin must be a bool")  # noqa: TRY004  (one exception for everything malformed)
    if not isinstance(top_origin, str | None):
        raise ValueError("topOrigin must be text")  # noqa: TRY004  (as above)
    if not isinstance(payment, dict | None):
        raise ValueError("payment must be an object")  # noqa: TRY004  (as above)
    return ClientData(
        text_member(members, "type"),
        text_member(members, "challenge"),
        text_member(members, "origin"),
        cross_origin,
        top_origin,
        payment,
    )
