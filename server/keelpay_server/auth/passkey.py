"""Passkey: the key in a payer's device, its states, its counter, and how far it is trusted.

In: registrations and verified assertions. Out: the passkey after the step. Invariant: only the table's transitions
happen; a counter is stored only if it grew (or stays 0 for ever, as synced passkeys do); a revoked key stays revoked.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Event
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import DAY_US, SECOND_US

from .assertion import StoredPasskey
from .base64url import decode, encode
from .names import PASSKEY, stream_of

KIND: Final = PASSKEY
COOLING_WORK: Final = "passkey.cooling"
REGRESSION_WINDOW_US: Final = DAY_US
"""Two tabs may finish out of order once; a second regression within a day looks like a copy."""
BROWSER_KEYS_MAX: Final = 8
DEVICES_MAX: Final = 8
"""So many devices are known by a passkey, those it signed on last."""


class PasskeyState(IntEnum):
    """Life of a passkey, numbered as in the contract."""

    ACTIVE = 1
    SUSPENDED = 2
    REVOKED = 3
    COOLING = 4


TRANSITIONS: Final[dict[PasskeyState, frozenset[PasskeyState]]] = {
    PasskeyState.ACTIVE: frozenset({PasskeyState.SUSPENDED, PasskeyState.REVOKED}),
    PasskeyState.SUSPENDED: frozenset({PasskeyState.ACTIVE, PasskeyState.REVOKED}),
    PasskeyState.COOLING: frozenset({PasskeyState.ACTIVE, PasskeyState.REVOKED}),
    PasskeyState.REVOKED: frozenset(),
}


class Passkey(NamedTuple):
    """One passkey. Times are wall clock, microseconds.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`.
        display_name: What the person calls it.
        state: A PasskeyState.
        state_version: Counts its changes.
        credential: The authenticator's id of it: unique.
        public_key: COSE bytes.
        handle: The payer's WebAuthn user handle.
        sign_count: The last counter accepted.
        backup_eligible: Whether it may be synced; fixed for its life.
        backup_state: Whether it was synced when last seen.
        aaguid: The authenticator's model.
        transports: How it is reached, space-separated.
        spc: Usable with Secure Payment Confirmation.
        browser_keys: Keys of browsers seen with it, base64url, space-separated.
        devices: Digests of the devices that it signed on (auth.device), space-separated, the latest last.
        registration: The registration that made it.
        regressed_time: When its counter last went back, or 0.
        trusted_time: Until then it signs small amounts only.
        cooling_end_time: When a COOLING one becomes ACTIVE, or 0; it stays where it was revoked before that.
        last_use_time: When it last signed, or 0.
        revoked_by: The actor who revoked it, or empty.
        create_time: When it was made.
        update_time: When it last changed.
    """

    id: bytes
    payer: str
    display_name: str
    state: int
    state_version: int
    credential: bytes
    public_key: bytes
    handle: bytes
    sign_count: int
    backup_eligible: bool
    backup_state: bool
    aaguid: str
    transports: str
    spc: bool
    browser_keys: str
    devices: str
    registration: bytes
    regressed_time: int
    trusted_time: int
    cooling_end_time: int
    last_use_time: int
    revoked_by: str
    create_time: int
    update_time: int

    def stored(self) -> StoredPasskey:
        """What the verification of an assertion needs of it."""
        return StoredPasskey(
            credential_id=self.credential,
            public_key=self.public_key,
            user_handle=self.handle,
            sign_count=self.sign_count,
            backup_eligible=bool(self.backup_eligible),
            browser_bound_keys=frozenset(decode(key) for key in self.browser_keys.split()),
        )


def move(passkey: Passkey, to: PasskeyState, wall_us: int, **changes: Any) -> Passkey:
    """Returns the passkey in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[PasskeyState(passkey.state)]:
        refuse_transition("passkey", PasskeyState(passkey.state).name, to.name)
    return passkey._replace(state=to, state_version=passkey.state_version + 1, update_time=wall_us, **changes)


def regressed(passkey: Passkey, sign_count: int) -> bool:
    """Whether a counter did not grow; synced passkeys report 0 for ever, which is none (WebAuthn L3 section 6.1.1)."""
    return (sign_count > 0 or passkey.sign_count > 0) and sign_count <= passkey.sign_count


def used(
    passkey: Passkey, wall_us: int, *, sign_count: int, backup_state: bool, browser_key: bytes | None, device: str = ""
) -> Passkey:
    """Returns the passkey after a valid signature whose counter grew; `device` is the digest of where it signed."""
    devices = [each for each in passkey.devices.split() if each != device] + [device] * bool(device)
    keys = passkey.browser_keys.split()
    if browser_key is not None and (text := encode(browser_key)) not in keys and len(keys) < BROWSER_KEYS_MAX:
        keys.append(text)
    return passkey._replace(
        sign_count=sign_count,
        backup_state=backup_state,
        browser_keys=" ".join(keys),
        devices=" ".join(devices[-DEVICES_MAX:]),
        last_use_time=wall_us,
        update_time=wall_us,
        state_version=passkey.state_version + 1,
    )


def suspect(passkey: Passkey, wall_us: int) -> Passkey:
    """Returns the passkey after a valid signature whose counter went back; the second in a day suspends it.

    One of the devices that it signed on may be the copy's: none is known by it until it confirms there again.
    """
    passkey = passkey._replace(devices="")
    again = passkey.regressed_time > 0 and wall_us - passkey.regressed_time < REGRESSION_WINDOW_US
    if again and passkey.state == PasskeyState.ACTIVE:
        return move(passkey, PasskeyState.SUSPENDED, wall_us, regressed_time=wall_us)
    return passkey._replace(regressed_time=wall_us, state_version=passkey.state_version + 1, update_time=wall_us)


def resume(passkey: Passkey, wall_us: int, new_s: int) -> Passkey:
    """Returns the passkey after its suspension: new again, for `new_s` seconds.

    Its counter and the time of the last regression stay: a copy that lags behind is refused as before, and suspends the
    passkey at once if that happens within the day.
    """
    return move(passkey, PasskeyState.ACTIVE, wall_us, trusted_time=wall_us + new_s * SECOND_US)


def may_veto(passkey: Passkey) -> bool:
    """Whether it may stop a recovery: every key may that once was active, unless an operator revoked it.

    Revoked ones too: whoever holds a partner's key could else revoke first, in the partner's name or with a token for
    the payer, and recover then. A key that never finished cooling proves nothing, and may not.
    """
    if passkey.state == PasskeyState.REVOKED:
        return not passkey.cooling_end_time and not passkey.revoked_by.startswith("operator:")
    return passkey.state in {PasskeyState.ACTIVE, PasskeyState.SUSPENDED}


def event_of(passkey: Passkey, what: str, **data: Any) -> Event:
    """Returns the event of a passkey's step, such as `passkey.created`."""
    facts = {"state": int(passkey.state), "payer": passkey.payer, **data}
    partner = passkey.payer.partition("/")[0]
    return Event(f"passkey.{what}", KIND, passkey.id, passkey.state_version, stream_of(partner), facts)
