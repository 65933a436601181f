"""The embedded server: the whole product in one process on a throw-away database, for a first try and for tests.

In: nothing. Out: an address on loopback, a sandbox partner with its key, a merchant ready to be paid.
Invariant: it listens on loopback only, in test mode only, and leaves nothing behind.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from keelpay_server.auth.merchant_commands import CreateMerchant
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.config import Settings
from keelpay_server.edge.settings import EdgeSettings
from keelpay_server.ledger.fee import FeePlan, FeeRate, fee_plan_text

from .admission import admit
from .serving import RunningServer, open_server

PARTNER: Final = "sandbox"
MERCHANT: Final = "cafe"
QUICK: Final = {"drain_wait_s": 0.0, "drain_watch_s": 0.1, "drain_grace_s": 2.0}
"""Nobody balances load over an embedded server, so its drain need not wait for balancers."""


class Embedded(NamedTuple):
    """A running embedded server (what `keelpay.Client.local()` needs of it).

    Attributes:
        target: `127.0.0.1:port`.
        partner: The sandbox partner, `partners/{p}`.
        key_id: Its signing key.
        private_key: The private half, PEM.
        audience: The installation's name.
        merchant: A merchant of that partner, `merchants/{m}`.
        server: The server itself.
    """

    target: str
    partner: str
    key_id: str
    private_key: bytes
    audience: str
    merchant: str
    server: RunningServer


@asynccontextmanager
async def local_server(edge: EdgeSettings | None = None) -> AsyncIterator[Embedded]:
    """Starts an embedded server in a folder of its own, and removes both at the end.

    Args:
        edge: What browsers shall reach of it; None for nothing.
    """
    with tempfile.TemporaryDirectory(prefix="keelpay-") as folder:
        settings = Settings(data=folder, listen="127.0.0.1:0", edge=edge or EdgeSettings())
        async with open_server(settings, environment={}, log=_quiet, limits=QUICK) as server:
            admitted = await admit(server.engine, f"partners/{PARTNER}", "Sandbox partner")
            await _open_merchant(server)
            yield Embedded(
                server.address, admitted.client, admitted.key_id, admitted.private_key, settings.name,
                f"merchants/{MERCHANT}", server,
            )  # fmt: skip


def _quiet(_lines: str) -> None:
    """An embedded server keeps no access log."""


async def _open_merchant(server: RunningServer) -> None:
    """Opens the sandbox merchant, as its partner would by CreateMerchant."""
    await server.engine.execute(
        CreateMerchant(
            caller=Caller(CallerKind.PARTNER, PARTNER, PARTNER),
            merchant=MERCHANT,
            partner=PARTNER,
            display_name="Sandbox Café",
            statement_descriptor="SANDBOX CAFE",
            currency="CNY",
            calendar="Asia/Shanghai@00:00",
            fee_plan=fee_plan_text(FeePlan(FeeRate(60, 0))),
            payout_bank="",
            payout_account="",
            metadata="",
        )
    )
