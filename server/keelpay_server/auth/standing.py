"""Standing: whether the clients and page sessions behind tokens still may call, looked up at most once a second each.

In: clients, their keys and payers' links, as the database has them. Out: an answer of the last second. Invariant: a
suspended client, a revoked key and a session whose link was replaced are refused everywhere within STALE_US_MAX, the
client at once in the process that did it; where the database cannot be asked, no standing is believed for longer.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

from keelpay_server.book import ids
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from .client import Client, ClientState
from .client_key import KIND, ClientKey
from .payer_link import KIND as LINK
from .payer_link import PayerLink, require_not_replaced

STALE_US_MAX: Final = SECOND_US
REMEMBERED_MAX: Final = 10_000


class _Seen(NamedTuple):
    active: bool
    key: ClientKey | None
    link: PayerLink | None
    read_us: int


class Standing:
    """The clients of one process.

    Args:
        reader: Where clients and keys are read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._seen: OrderedDict[tuple[str, str, str], _Seen] = OrderedDict()

    def known(self, client: str, kid: str, session: str, wall_us: int) -> bool:
        """Whether the last look is fresh enough to be believed."""
        seen = self._seen.get((client, kid, session))
        return seen is not None and 0 <= wall_us - seen.read_us < STALE_US_MAX

    async def look(self, client: str, kid: str, session: str, wall_us: int) -> None:
        """Reads a client and a key; for a page's session, which is empty otherwise, its link too.

        Raises:
            StorageLost: The database cannot be asked.
        """
        row = await self._reader.get(Client, client)
        try:
            key = await self._reader.get(ClientKey, ids.parse(KIND, kid))
        except Refused:
            key = None
        own = key if key is not None and key.client == client else None
        link = await self._reader.get(PayerLink, ids.parse(LINK, session)) if session else None
        active = row is not None and row.state == ClientState.ACTIVE
        self._seen[client, kid, session] = _Seen(active, own, link, wall_us)
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)

    def require(self, client: str, kid: str, session: str, wall_us: int) -> None:
        """Lets a token's client pass.

        Raises:
            Refused: PARTNER_SUSPENDED; TOKEN_INVALID where its key is revoked, expired or gone; CHECKOUT_LINK_REPLACED.
        """
        seen = self._seen[client, kid, session]
        if seen.key is None or not seen.key.accepted(wall_us):
            raise Refused(Reason.TOKEN_INVALID, "the key behind the token is revoked")
        if not seen.active:
            raise Refused(Reason.PARTNER_SUSPENDED)
        if seen.link is not None:
            require_not_replaced(seen.link)

    def forget(self, client: str) -> None:
        """Looks again next time, as after a change that this process made."""
        for each in [key for key in self._seen if key[0] == client]:
            del self._seen[each]
