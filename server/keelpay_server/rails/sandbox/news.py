"""The sandbox bank's news for keelpay: what it decided late, and which statements are ready.

In: decisions and closed days, in the transaction that makes them. Out: notices, oldest first. Invariant: an id follows
from what the news is about, so that a repeat is the same news; where nobody fetches news, none is kept.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from .store import BankStore, Notice

_ID_BYTES: Final = 16


class News:
    """One bank's news.

    Args:
        store: Where it is kept.
        bank: The bank's name.
        tells: Keep news until it is dropped; off where nobody fetches it.
    """

    def __init__(self, store: BankStore, bank: str, *, tells: bool) -> None:
        self._store, self._bank, self._tells = store, bank, tells

    def tell(self, decided: Iterable[tuple[bytes, int]], now_us: int) -> None:
        """Keeps news of operations, each with the moment at which it was decided."""
        if self._tells:
            self._store.add_notices(
                Notice(_id_of(key + due_us.to_bytes(8, "big")), now_us, key, 0, "") for key, due_us in decided
            )

    def tell_closed(self, currency: str, day: int, now_us: int) -> None:
        """Keeps the news that an account's statement of a day is ready."""
        if self._tells:
            name = f"{self._bank}/{currency}/{day}".encode()
            self._store.add_notices((Notice(_id_of(name), now_us, b"", day, currency),))

    def oldest(self, items_max: int) -> list[Notice]:
        """Returns the oldest news."""
        return self._store.notices(items_max)

    def drop(self, notice_id: bytes) -> None:
        """Forgets news that keelpay has taken."""
        self._store.drop_notice(notice_id)


def _id_of(name: bytes) -> bytes:
    return blake2b(name, digest_size=_ID_BYTES).digest()
