"""Authentication: who is behind a call, by its access token. The port that `rpc` asks for every call.

In: the call's metadata. Out: a Caller. Invariant: a token counts only while its signature, its time, our key, the
client's key, the client itself and the page's session that it is of all do; each of the last four is looked at again
at least every second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from keelpay_server.book.caller import Caller
from keelpay_server.book.ports import WallClock
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from .client import client_of
from .key_keeper import KeyKeeper
from .key_ring import KeyRing
from .settings import AuthSettings
from .standing import Standing
from .token import TokenClaims
from .token_failure import TokenRefused
from .token_verifier import TokenVerifier

AUTHORIZATION_KEY: Final = "authorization"
_SCHEME: Final = "bearer "
KEY_SEPARATOR: Final = "."


def new_token_id(kid: str, random_bytes: Callable[[int], bytes]) -> str:
    """Returns the id of a token: the client key that it was issued for, and chance. Revoking the key ends the token."""
    return f"{kid}{KEY_SEPARATOR}{random_bytes(12).hex()}"


class Authentication:
    """Verifies the tokens of one process's calls.

    Args:
        keeper: Our keys.
        standing: The clients.
        settings: Issuer, audience, skew.
        wall: Wall clock.
    """

    def __init__(self, keeper: KeyKeeper, standing: Standing, settings: AuthSettings, wall: WallClock) -> None:
        self._keeper, self._standing, self._wall = keeper, standing, wall
        self._ring: KeyRing = keeper.ring
        self._looks: dict[str, asyncio.Task[object]] = {}
        self._verifier = TokenVerifier(
            keeper.ring, issuer=settings.issuer, audience=settings.audience, skew_s=settings.skew_s
        )

    def __call__(self, metadata: Mapping[str, str | bytes]) -> Caller | Awaitable[Caller]:
        """Returns the caller, at once where everything is known.

        Raises:
            Refused: TOKEN_MISSING, TOKEN_EXPIRED, TOKEN_INVALID, PARTNER_SUSPENDED, CHECKOUT_LINK_REPLACED.
        """
        token, wall_us = _bearer(metadata), self._wall()
        if not self._keeper.fresh(wall_us):
            return self._slowly(token)
        claims = self._verify(token, wall_us)
        client, kid = _behind(claims)
        if not self._standing.known(client, kid, claims.session, wall_us):
            return self._slowly(token)
        self._standing.require(client, kid, claims.session, wall_us)
        return claims.caller()._replace(key=kid)

    async def _slowly(self, token: str) -> Caller:
        wall_us = self._wall()
        if not self._keeper.fresh(wall_us):
            await self._once("keys", lambda: self._keeper.look(wall_us))
        claims = self._verify(token, wall_us)
        client, kid = _behind(claims)
        session = claims.session
        await self._once(f"{client} {kid} {session}", lambda: self._standing.look(client, kid, session, wall_us))
        self._standing.require(client, kid, session, wall_us)
        return claims.caller()._replace(key=kid)

    async def _once(self, what: str, look: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Looks, or waits for the look that is under way: a crowd of calls asks the database once."""
        task = self._looks.get(what)
        if task is None:
            task = self._looks[what] = asyncio.create_task(look())
            task.add_done_callback(lambda _: self._looks.pop(what, None))
        await asyncio.shield(task)  # a caller that goes away takes nobody's answer along

    def _verify(self, token: str, wall_us: int) -> TokenClaims:
        if self._ring is not self._keeper.ring:
            self._ring = self._keeper.ring
            self._verifier.replace_ring(self._ring)
        try:
            return self._verifier.verify(token, wall_us / SECOND_US)
        except TokenRefused as refused:
            raise Refused(Reason[refused.reason], "the token is not accepted") from refused


def _bearer(metadata: Mapping[str, str | bytes]) -> str:
    value = metadata.get(AUTHORIZATION_KEY, "")
    if not isinstance(value, str) or not value:
        raise Refused(Reason.TOKEN_MISSING, "the call carries no access token")
    if value[: len(_SCHEME)].lower() != _SCHEME:
        raise Refused(Reason.TOKEN_INVALID, "authorization must be `Bearer <token>`")
    return value[len(_SCHEME) :].strip()


def _behind(claims: TokenClaims) -> tuple[str, str]:
    """Returns the client and its key behind a token."""
    return client_of(claims.kind, claims.subject), claims.token_id.partition(KEY_SEPARATOR)[0]
