"""The desk of links: makes their secrets, writes their URLs, and finds them by what a page brings.

In: chance, the installation's key, a stored link. Out: a URL for one person. Invariant: a secret needs both the stored
seed and the key, so neither the database nor the key alone gives a link away; a repeated request gets the same URL.
"""

import hmac
from collections.abc import Callable
from typing import Final, NamedTuple

from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from . import base64url
from .payer_link import PayerLink, digest_of
from .token import PayerPurpose

SECRET_BYTES: Final = 32
PAGES: Final = {PayerPurpose.PAY: "pay", PayerPurpose.ENROL: "enrol", PayerPurpose.MANAGE: "manage"}
"""The path of the page for each purpose."""


class LinkSeed(NamedTuple):
    """What a new link is stored with."""

    seed: bytes
    digest: bytes


class LinkDesk:
    """Makes and reads links.

    Args:
        key: Of this purpose alone.
        pages_origin: Where our pages are served, such as `https://pay.example.com`.
        life_s: How long a link can be opened, at most.
        random_bytes: A source of chance that cannot be guessed.
    """

    def __init__(self, key: bytes, *, pages_origin: str, life_s: int, random_bytes: Callable[[int], bytes]) -> None:
        self._key, self._origin, self._life_s, self._random_bytes = key, pages_origin, life_s, random_bytes

    def seed(self) -> LinkSeed:
        """Returns a fresh seed and the digest of its secret."""
        seed = self._random_bytes(SECRET_BYTES)
        return LinkSeed(seed, digest_of(self._secret(seed)))

    def expire_time(self, wall_us: int, left_us: int | None = None) -> int:
        """Returns until when a link made now can be opened: no longer than `left_us`, where that is given."""
        life_us = self._life_s * SECOND_US
        return wall_us + (life_us if left_us is None else min(life_us, left_us))

    def url(self, link: PayerLink) -> str:
        """Returns the whole URL of a link."""
        return f"{self._origin}/{PAGES[PayerPurpose(link.purpose)]}#{base64url.encode(self._secret(link.seed))}"

    def _secret(self, seed: bytes) -> bytes:
        return hmac.digest(self._key, seed, "sha256")


async def find_link(reader: Reader, token: str) -> PayerLink:
    """Returns the link whose secret a page brought.

    Raises:
        Refused: RESOURCE_NOT_FOUND.
    """
    try:
        secret = base64url.decode(token)
    except ValueError:
        secret = b""
    found = await reader.find(PayerLink, {"digest": digest_of(secret)}, Page(1))
    if not found:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="link")
    return found[0]
