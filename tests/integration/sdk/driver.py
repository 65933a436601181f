"""One way to drive both clients, so that every law is written once and tried on each side."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import keelpay
from keelpay import credentials

FAST = keelpay.Backoff(first_s=0.01, pause_s_max=0.05)
DEFAULTS = keelpay.Defaults(merchant="merchants/cafe", partner="partners/shop", region="CN-EAST")


class Driver:
    """A client of either kind."""

    def __init__(self, side: str, address: str, who: credentials.Credentials, **options: Any) -> None:
        self.side = side
        kind = keelpay.AsyncClient if side == "async" else keelpay.Client
        settings = {"defaults": DEFAULTS, "backoff": FAST, **options}
        self.client: Any = kind(address, credentials=credentials.local(who), **settings)

    async def call(self, act: Callable[[Any], Any]) -> Any:
        """What an act of the client comes to."""
        if self.side == "async":
            done = act(self.client)
            return await done if inspect.isawaitable(done) else done
        return await asyncio.to_thread(act, self.client)

    async def collect(self, act: Callable[[Any], Any], limit: int | None = None) -> list[Any]:
        """The items of what an act returns, all of them or the first ones."""
        items: list[Any] = []
        if self.side == "async":
            many = act(self.client)
            async for item in many:
                items.append(item)
                if len(items) == limit:
                    break
            await _leave(many)
            return items
        return await asyncio.to_thread(self._collect, act, limit)

    def _collect(self, act: Callable[[Any], Any], limit: int | None) -> list[Any]:
        items: list[Any] = []
        many = act(self.client)
        for item in many:
            items.append(item)
            if len(items) == limit:
                break
        if hasattr(many, "close"):
            many.close()
        return items

    async def close(self) -> None:
        done = self.client.close()
        if inspect.isawaitable(done):
            await done


async def _leave(many: Any) -> None:
    close = getattr(many, "close", None) or getattr(many, "aclose", None)
    if close is not None:
        await close()
