"""AuthFigures: what an installation may choose about passkeys, recovery and links: the table `[auth]` of its settings.

In: read by `config`, from the file and from `KEELPAY_AUTH_<NAME>`. Out: part of AuthSettings. Invariant: what is out of
bounds stops the start with a sentence that names the setting and its bounds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography.x509 import load_pem_x509_certificates

from keelpay_server.ledger.currency import CurrencyError, currency

BOUNDS: Final = {
    "new_passkey_hours": (0, 24 * 90), "cooling_hours": (24, 24 * 90), "passkeys_max": (1, 100),
    "recoveries_a_day": (0, 100_000), "enrolments_a_day": (1, 10_000_000), "link_minutes": (1, 24 * 60),
}  # fmt: skip
"""Least and most of each figure. Less than a day of cooling is no time for the owner of the old passkey to object."""
LIMIT_MAX: Final = 10**12
"""Of a limit, in the major unit."""
FORMATS: Final = frozenset({"android-key", "apple", "fido-u2f", "packed", "tpm"})
"""Formats of attestation that end in a root (WebAuthn L3 section 8)."""


class AuthFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table `[auth]`.

    Attributes:
        new_passkey_hours: How long a passkey is new, and confirms small amounts only; 0 for not at all.
        new_passkey_limits: Currency to the most that a new passkey may confirm at a time, in the major unit (JPY, EUR);
            a currency that is not here has the amount of `passkey_limits`.
        cooling_hours: How long a recovered passkey waits for a veto of the old ones.
        passkeys_max: Passkeys of one payer that are not revoked.
        recoveries_a_day: Recoveries that one partner may start a day (UTC); 0 for none.
        enrolments_a_day: Enrol tokens that one partner may ask for a day (UTC).
        link_minutes: How long a link to our pages can be opened, at most.
        attestation_roots: Attestation format (`packed`, `tpm`, `android-key`, `apple`, `fido-u2f`) to a PEM file of the
            roots that are trusted; empty lets every authenticator in.
    """

    new_passkey_hours: int = 24
    new_passkey_limits: dict[str, int] = {}
    cooling_hours: int = 72
    passkeys_max: int = 20
    recoveries_a_day: int = 50
    enrolments_a_day: int = 5_000
    link_minutes: int = 30
    attestation_roots: dict[str, str] = {}

    def faults(self) -> Iterator[str]:
        """Yields what is wrong with these settings, a sentence each."""
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                yield f"auth.{name} is {least}..{most}"
        for code, limit in self.new_passkey_limits.items():
            if not _is_currency(code):
                yield f"auth.new_passkey_limits: {code} is no currency that keelpay can count"
            elif not 0 <= limit <= LIMIT_MAX:
                yield f"auth.new_passkey_limits: {code} is 0..{LIMIT_MAX}, in whole units of the currency"
        for name, path in self.attestation_roots.items():
            if name not in FORMATS:
                yield f"auth.attestation_roots knows {', '.join(sorted(FORMATS))}, not {name}"
            elif (fault := _fault_of(path)) is not None:
                yield f"auth.attestation_roots: {name}: {fault}"

    def roots(self) -> dict[str, tuple[bytes, ...]]:
        """Returns format to roots, PEM; `faults` has found nothing wrong with the files."""
        return {name: (Path(path).read_bytes(),) for name, path in self.attestation_roots.items()}


def _fault_of(path: str) -> str | None:
    """Returns why a file holds no roots, or None."""
    try:
        load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    except ValueError:
        return f"{path} holds no PEM certificates"
    return None


def _is_currency(code: str) -> bool:
    try:
        currency(code)
    except CurrencyError:
        return False
    return True
