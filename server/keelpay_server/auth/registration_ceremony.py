"""How every ceremony that makes a passkey begins: for a first one, a further one, and a recovery.

In: the payer and all passkeys it ever had. Out: a registration with the browser's options. Invariant: a payer has no
more passkeys than allowed, and nothing begins while a recovery waits for a veto.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World

from .enrolment import Registration
from .options import KnownPasskey, creation_options
from .passkey import Passkey, PasskeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationOptions:
    """What every ceremony of an installation has in common.

    Attributes:
        rp_id: The relying party.
        rp_name: Its name.
        challenge: 32 random bytes.
        life_s: How long the ceremony may take.
        passkeys_max: Passkeys of one payer that are not revoked.
        attestation: Ask for a statement of the authenticator's make.
    """

    rp_id: str
    rp_name: str
    challenge: bytes
    life_s: int
    passkeys_max: int
    attestation: bool


def new_registration(
    world: World, payer: Payer, keys: Sequence[Passkey], options: RegistrationOptions, *, display_name: str, spc: bool,
    recovery: bool, confirmation_required: bool, attested: str,
) -> Registration:  # fmt: skip
    """Returns a registration with the browser's options.

    Raises:
        Refused: COUNT_LIMIT_REACHED.
    """
    live = [key for key in keys if key.state != PasskeyState.REVOKED]
    if len(live) >= options.passkeys_max:
        most = str(options.passkeys_max)
        raise Refused(Reason.COUNT_LIMIT_REACHED, f"a payer has at most {most} passkeys", max_count=most)
    text = creation_options(
        rp_id=options.rp_id, rp_name=options.rp_name, user_handle=payer.handle, user_name=display_name,
        challenge=options.challenge, payment=spc, attestation=options.attestation,
        exclude=[KnownPasskey(key.credential, tuple(key.transports.split())) for key in live],
    )  # fmt: skip
    return Registration(
        id=world.new_id(), payer=payer.id, display_name=display_name, challenge=options.challenge, spc=spc,
        recovery=recovery, confirmation_required=confirmation_required, attested=attested, options=text, passkey=None,
        expire_time=world.wall_us + options.life_s * SECOND_US, create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip


def refuse_while_cooling(keys: Sequence[Passkey]) -> None:
    """Lets nothing be enrolled or recovered while a recovery waits for a veto.

    Raises:
        Refused: RECOVERY_IN_PROGRESS.
    """
    for key in keys:
        if key.state == PasskeyState.COOLING:
            end = str(key.cooling_end_time // SECOND_US)
            raise Refused(Reason.RECOVERY_IN_PROGRESS, "a recovery of this payer is cooling", end_time=end)
