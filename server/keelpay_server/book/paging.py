"""Page tokens: opaque, signed, bound to the list they continue.

In: where a page ended. Out: a text, and back. Invariant: a token of another list, filter or caller is refused.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

from msgspec import DecodeError, msgpack

from .call import Call
from .filtering import parse_order
from .ports import Page
from .reasons import Reason
from .refusal import Refused

SIZE_DEFAULT, SIZE_MAX = 50, 1000
_NEWEST_FIRST: Final = "create_time desc"


class ListRequest(Protocol):
    """What every request for a list has (AIP-132)."""

    page_size: int
    page_token: str
    filter: str
    order_by: str


class Pager:
    """Makes and reads page tokens.

    Args:
        secret: Key of the signatures; the same in every process of an installation.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def listed(self, call: Call, request: ListRequest, orders: Mapping[str, str], parent: str) -> tuple[str, Page]:
        """Returns the scope of a list that can be filtered and ordered, and the part of it that a request wants.

        Args:
            call: Who asks, by which method.
            request: The request; without an order, the newest come first.
            orders: Fields to order by, `create_time` among them, and their columns.
            parent: Whose list it is; empty where there is only one.

        Raises:
            Refused: PAGE_TOKEN_INVALID, FILTER_INVALID.
        """
        column, descending = parse_order(request.order_by, orders, _NEWEST_FIRST)
        scope = f"{call.method}\n{parent}\n{request.filter}\n{request.order_by}\n{call.caller.actor}"
        return scope, self.page(scope, request.page_size, request.page_token, order=column, descending=descending)

    def page(self, scope: str, size: int, token: str, *, order: str = "id", descending: bool = True) -> Page:
        """Returns the part of a list that a request wants.

        Args:
            scope: What the list is: method, parent, filter, caller; a token serves only the same.
            size: Asked for; 0 means SIZE_DEFAULT, more than SIZE_MAX means SIZE_MAX (AIP-158).
            token: From the page before, or empty.
            order: Column to order by.
            descending: Newest first.

        Raises:
            Refused: PAGE_TOKEN_INVALID.
        """
        wanted = min(size or SIZE_DEFAULT, SIZE_MAX)
        if not token:
            return Page(wanted, None, descending, order)
        try:
            raw = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
            genuine = hmac.compare_digest(raw[:16], self._sign(scope, raw[16:]))
            value, key = msgpack.decode(raw[16:]) if genuine else (b"", b"")
        except (ValueError, DecodeError) as error:
            raise Refused(Reason.PAGE_TOKEN_INVALID) from error
        if not genuine:
            raise Refused(Reason.PAGE_TOKEN_INVALID)
        return Page(wanted, (value, key), descending, order)

    def next_token(self, scope: str, page: Page, rows: "Sequence[object]") -> str:
        """Returns the token of the next page, or empty after the last."""
        if len(rows) < page.size:
            return ""
        last = rows[-1]
        body = msgpack.encode((getattr(last, page.order), last.id))  # type: ignore[attr-defined]
        return urlsafe_b64encode(self._sign(scope, body) + body).rstrip(b"=").decode()

    def _sign(self, scope: str, body: bytes) -> bytes:
        # A body begins with a byte that no UTF-8 text contains, so no scope can borrow from it.
        return hmac.digest(self._secret, scope.encode() + b"\0" + body, sha256)[:16]
