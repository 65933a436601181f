"""Consent: how the payer said yes to a payment, as risk hears it: by which passkey, of what age, from where.

In: filled by gateway from what a confirmation proved. Out: read by features. Invariant: what was not told is unknown,
never zero; nothing here can make a payment easier than the policy allows, it only moves a score.
"""

from enum import IntEnum
from typing import NamedTuple


class ConsentMethod(IntEnum):
    """Who said so."""

    NONE = 0
    WEBAUTHN = 1
    SPC = 2
    MANDATE = 3


class BrowserKey(IntEnum):
    """The key of the browser itself that signed beside the passkey (Secure Payment Confirmation)."""

    NONE = 0
    KNOWN = 1
    FIRST = 2
    """The first one ever seen with this passkey."""
    NEW = 3
    """Another one than those seen with it: another browser or device."""


class Site(IntEnum):
    """Where the passkey signed."""

    OWN = 0
    """The site of the relying party itself."""
    OTHER = 1
    """Another site that the installation lets sign."""
    APP = 2
    """An app of the installation."""


class Consent(NamedTuple):
    """What a confirmation proved. Without a passkey all but `method` is None.

    Attributes:
        method: Who said so.
        synced: Whether the passkey was synced between devices when it signed.
        age_us: How old it was, microseconds.
        regressed_us: How long ago its counter went back; None if it never did.
        browser: The browser's own key.
        site: Where it signed.
    """

    method: ConsentMethod = ConsentMethod.NONE
    synced: bool | None = None
    age_us: int | None = None
    regressed_us: int | None = None
    browser: BrowserKey | None = None
    site: Site | None = None


UNSAID = Consent()
"""Nobody has confirmed it yet."""
