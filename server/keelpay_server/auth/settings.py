"""AuthSettings: every figure of this room that an installation may choose, in one value.

In: read from the configuration by `app`. Out: handed to servicers, verification and work. Invariant: nothing here
changes while the process runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .passkey_limits import limit_minor
from .relying_party import RelyingParty
from .spc import Logo
from .token import SKEW_S_MAX, TOKEN_LIFE_S_MAX

_DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """The room's figures. Times in seconds."""

    party: RelyingParty
    """Our rp id, origins and embedders."""
    issuer: str
    """Our name in the tokens we sign, such as `https://pay.example.com`."""
    audience: str
    """The installation's name, which client assertions and tokens must be for."""
    rp_name: str = "keelpay"
    """What authenticators show beside a new passkey."""
    instrument_icon: str = ""
    """URL of the picture that Secure Payment Confirmation shows beside the instrument; empty turns it off."""
    logos: tuple[Logo, ...] = ()
    """Marks that Secure Payment Confirmation shows, such as the bank's and the network's."""
    pages_origin: str = ""
    """Where our pages are served, such as `https://pay.example.com`; part of every link."""
    link_life_s: int = 1800
    """How long a link can be opened, at most."""
    attestation_roots: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    """Attestation format to PEM roots; empty accepts any authenticator."""
    confirmation_life_s: int = 120
    """How long a confirmation can be signed and spent."""
    registration_life_s: int = 600
    """How long a passkey may take to be made."""
    cooling_s: int = 72 * 3600
    """How long a recovered passkey waits for a veto."""
    new_passkey_s: int = _DAY_S
    """How long a passkey is new, and signs small amounts only."""
    new_passkey_limits: Mapping[str, int] = field(default_factory=dict)
    """Currency to the most that a new passkey may confirm, in its major unit, where it is not that of the table."""
    passkeys_max: int = 20
    """Passkeys of one payer that are not revoked."""
    signing_keys_max: int = 10
    """Keys of one partner or operator that are not revoked."""
    recoveries_a_day: int = 50
    """Recoveries that one partner may start a day (UTC)."""
    enrolments_a_day: int = 5_000
    """Enrol tokens that one partner may ask for a day (UTC)."""
    token_life_s: int = TOKEN_LIFE_S_MAX
    """Life of an access token, at most ten minutes."""
    skew_s: int = 30
    """How far two clocks may differ, at most a minute."""

    def __post_init__(self) -> None:
        if not 0 < self.token_life_s <= TOKEN_LIFE_S_MAX or not 0 <= self.skew_s <= SKEW_S_MAX:
            raise ValueError(f"tokens live 1..{TOKEN_LIFE_S_MAX} s, clocks may differ by 0..{SKEW_S_MAX} s")
        if not self.party.origins:
            raise ValueError("no origin is configured: nobody could confirm anything")

    def new_passkey_limit(self, code: str) -> int:
        """The most that a new passkey may confirm in a currency, minor units."""
        return limit_minor(code, self.new_passkey_limits)
