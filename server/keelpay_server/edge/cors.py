"""Which pages of other sites may call us: an allow-list, asked before a call is made (Fetch standard, CORS).

In: a request's Origin. Out: headers, or a refusal. Invariant: a site that is not listed gets neither an answer nor an
effect. Credentials are never part of it: there are no cookies, a token is a header that the page itself sets.
"""

from collections.abc import Collection
from typing import Final

_ASKED: Final = (
    "authorization, content-type, accept-language, x-request-id, connect-protocol-version, connect-timeout-ms, "
    "grpc-timeout, x-grpc-web, x-user-agent"
)
_EXPOSED: Final = (
    "x-request-id, x-keelpay-mode, retry-after, grpc-status, grpc-message, grpc-status-details-bin, "
    "trailer-x-request-id, trailer-x-keelpay-mode"
)
_MAX_AGE_S: Final = 7_200


class Cors:
    """The allow-list."""

    def __init__(self, allowed: Collection[str]) -> None:
        """Takes origins as browsers write them: scheme, host, port, no slash at the end."""
        self._allowed = frozenset(allowed)

    def lets(self, origin: str | None, own: str) -> bool:
        """Whether a request may be served: no browser sent it, or a page of ours, or one of a listed site."""
        return origin is None or origin == own or origin in self._allowed

    def headers(self, origin: str | None) -> tuple[tuple[str, str], ...]:
        """Returns what lets a listed site read the answer."""
        vary = ("vary", "Origin")
        if origin is None or origin not in self._allowed:
            return (vary,)
        return (vary, ("access-control-allow-origin", origin), ("access-control-expose-headers", _EXPOSED))

    def preflight(self) -> tuple[tuple[str, str], ...]:
        """Returns what a page may ask for, beside `headers`."""
        return (
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", _ASKED),
            ("access-control-max-age", str(_MAX_AGE_S)),
        )
