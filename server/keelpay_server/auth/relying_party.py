"""The relying party: which site and which apps a passkey's signature may come from.

In: settings. Out: the expected rp id, origins and embedders. Invariant: an empty list of origins accepts nobody; an
rp id is for ever, since passkeys are bound to it.
"""

import re
from dataclasses import dataclass
from typing import Final

from .base64url import encode

ORIGINS_TOLD: Final = 5
ORIGIN_TOLD: Final = 100
_FINGERPRINT: Final = re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Whom passkeys are made for.

    Attributes:
        rp_id: The registrable domain passkeys are bound to, such as `pay.example.com`.
        origins: Every origin that may run a ceremony: web origins, and `android:apk-key-hash:` of our apps.
        embedders: Top-level origins that may show our page in a frame; empty for nobody.
    """

    rp_id: str
    origins: frozenset[str]
    embedders: frozenset[str] = frozenset()

    def strange(self, origin: str) -> str:
        """Returns what to tell of an origin that may run no ceremony: where it ran, and where it may."""
        allowed = sorted(self.origins)
        more = f" and {len(allowed) - ORIGINS_TOLD} more" if len(allowed) > ORIGINS_TOLD else ""
        return f"it ran at {origin[:ORIGIN_TOLD]!r}; allowed are {', '.join(allowed[:ORIGINS_TOLD]) or 'none'}{more}"


def android_origin(certificate_fingerprint: str) -> str:
    """The origin Android reports for an app, from the fingerprint that assetlinks.json publishes too.

    Args:
        certificate_fingerprint: SHA-256 of the signing certificate as 32 hex pairs joined by colons.

    Raises:
        ValueError: It has another form.
    """
    if not _FINGERPRINT.fullmatch(certificate_fingerprint):
        raise ValueError("a certificate fingerprint is 32 hex pairs joined by colons")
    return "android:apk-key-hash:" + encode(bytes.fromhex(certificate_fingerprint.replace(":", "")))
