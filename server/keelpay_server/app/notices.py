"""Notices of banks: whose signature it is, and what a statement that is ready sets off.

In: a bank's notification. Out: whether its seal holds; a fetch. Invariant: a bank's key counts as long as the bank and
the key do (auth), and what is sealed names the bank (rails).
"""

from datetime import date

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from keelpay_server.auth.client_key import ClientKey
from keelpay_server.book.engine import Engine
from keelpay_server.clearing.statement_fetch import StatementFetch
from keelpay_server.rails.notification import verify_notification


class BankSeal:
    """Checks a bank's signature with its registered keys (see `gateway.notification_service.Seal`).

    Args:
        engine: Where keys are kept.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, *, bank: str, key_id: str, notification: bytes, signature: bytes) -> bool:
        """Returns whether the seal holds."""
        keys = await self._engine.reader.find(ClientKey, {"client": f"banks/{bank}"})
        public: dict[str, bytes] = {}
        for key in keys:
            if key.accepted(self._engine.wall()):
                loaded = load_der_public_key(key.public_key)
                if isinstance(loaded, Ed25519PublicKey):
                    public[key.kid] = loaded.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return verify_notification(public, bank=bank, key_id=key_id, notification=notification, signature=signature)


async def statement_ready(fetch: StatementFetch, bank: str, day: str, currency: str) -> None:
    """Fetches what is missing up to a day that a bank says is ready; the schedule would have come to it later."""
    await fetch.catch_up(bank, currency, date.fromisoformat(day))
