"""How access tokens and links look on the wire.

In: what was signed, a stored link and its URL. Out: the contract's messages. Invariant: nothing of either is stored or
logged on the way.
"""

from typing import Final

from keelpay.api.auth.v1 import token_pb2
from keelpay_server.book.wire_render import stamp

from .names import payer_name
from .payer_link import PayerLink
from .payer_token import PURPOSES
from .token import PayerPurpose
from .token_signer import SignedToken

KINDS: Final = {purpose: number for number, purpose in PURPOSES.items()}
"""A purpose to the contract's PayerTokenKind."""


def render_token(token: SignedToken) -> token_pb2.AccessToken:
    """Returns a token."""
    return token_pb2.AccessToken(value=token.value, expire_time=stamp(token.expire_time), scopes=sorted(token.scopes))


def render_link(link: PayerLink, url: str) -> token_pb2.PayerLink:
    """Returns a link with its URL."""
    return token_pb2.PayerLink(
        url=url,
        kind=KINDS[PayerPurpose(link.purpose)],  # type: ignore[arg-type]
        payer=payer_name(link.payer),
        payment=link.payment,
        expire_time=stamp(link.expire_time),
    )
