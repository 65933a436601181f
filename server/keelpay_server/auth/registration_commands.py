"""Commands that make a passkey: start the ceremony, finish it.

In: a payer's token, what the device made, and an older passkey's signature where there is one. Out: the passkey.
Invariant: a first passkey needs the partner's word about the person, a further one an active passkey's signature, and
a payer who ever had one never gets a "first" one again: not even after all were revoked.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World

from .base64url import encode
from .enrolment import EnrolmentEvidence, Registration, event_of
from .mandate import Mandate
from .mandate import event_of as mandate_event
from .mandate_commands import suspended
from .names import payer_name, payers_own_name
from .passkey import COOLING_WORK, Passkey, PasskeyState
from .passkey import event_of as passkey_event
from .proof import Proof, spend, spend_needs
from .registration import NewPasskey
from .registration_ceremony import RegistrationOptions, new_registration, refuse_while_cooling
from .terms import PasskeyAddTerms
from .token import PayerPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRegistration(Command):
    """Begins to make a passkey.

    Attributes:
        payer: `<partner>/<id>`.
        display_name: What the person calls it.
        spc: For Secure Payment Confirmation.
        options: What ceremonies have in common.
    """

    payer: str
    display_name: str
    spc: bool
    options: RegistrationOptions

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer and all passkeys it ever had."""
        need.row(Payer, self.payer)
        need.all(Passkey, "payer", self.payer)

    def decide(self, world: World) -> Changes:
        """A first one needs an enrol token, a further one will need a signature."""
        payer = world.require(Payer, self.payer)
        keys = world.all(Passkey, "payer", self.payer)
        refuse_while_cooling(keys)
        attested = ""
        if not keys:
            attested = enrol_evidence(self)
        elif not any(key.state == PasskeyState.ACTIVE for key in keys):
            raise Refused(Reason.PASSKEY_REQUIRED, "no passkey of the payer is active: recover it")
        row = new_registration(
            world, payer, keys, self.options, display_name=self.display_name, spc=self.spc, recovery=False,
            confirmation_required=bool(keys), attested=attested,
        )  # fmt: skip
        return Changes(row, events=(event_of(row, "registration_started"),))


def enrol_evidence(command: Command) -> str:
    """Returns what the enrol token carries of the partner's word.

    Raises:
        Refused: ENROL_TOKEN_REQUIRED.
    """
    if command.caller.purpose != PayerPurpose.ENROL or not command.caller.evidence:
        raise Refused(Reason.ENROL_TOKEN_REQUIRED, "a payer token of kind ENROL is needed")
    return command.caller.evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRegistration(Command):
    """Stores the passkey that a device made.

    Attributes:
        registration: Key of the ceremony.
        payer: Whose it must be.
        made: What was verified before the queue, or None.
        failure: The check that failed, a colon and what it saw; or empty.
        credential: What the device made, JSON.
        proof: What an older passkey signed, or None.
        rp_id: The relying party.
        new_passkey_s: How long it is new.
        cooling_s: How long a recovered one cools.
        device: The digest of the device that made it (auth.device), or empty. A recovered passkey has to confirm
            something there first.
    """

    registration: bytes
    payer: str
    made: NewPasskey | None
    failure: str
    credential: str
    proof: Proof | None
    rp_id: str
    new_passkey_s: int
    cooling_s: int
    device: str = ""

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The ceremony, the payer with passkeys and mandates, whoever has the credential, the confirmation."""
        need.row(Registration, self.registration)
        need.row(Payer, self.payer)
        need.all(Passkey, "payer", self.payer)
        need.all(Mandate, "payer", self.payer)
        if self.made is not None:
            need.all(Passkey, "credential", self.made.credential_id)
        if self.proof is not None:
            spend_needs(need, self.proof)

    def decide(self, world: World) -> Changes:
        """Whatever was true when it started is checked again now."""
        row = world.require(Registration, self.registration)
        payer = world.require(Payer, self.payer)
        if row.payer != payer.id:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="registration")
        if row.passkey is not None:
            refuse_transition("registration", "FINISHED", "FINISHED")
        if world.wall_us >= row.expire_time:
            raise Refused(Reason.PASSKEY_REGISTRATION_INVALID, "the registration expired", failure="expired")
        if self.made is None:
            sentence = f"the credential does not verify: {self.failure}"
            raise Refused(Reason.PASSKEY_REGISTRATION_INVALID, sentence, failure=self.failure.partition(":")[0])
        if world.all(Passkey, "credential", self.made.credential_id):
            raise Refused(Reason.PASSKEY_ALREADY_REGISTERED)
        keys = world.all(Passkey, "payer", payer.id)
        refuse_while_cooling(keys)
        spent = Changes()
        if row.confirmation_required:
            spent = self._spend(world, row)
            if spent.refusal is not None:
                return spent
        else:
            enrol_evidence(self)
            if keys and not row.recovery:
                raise Refused(Reason.ENROL_TOKEN_REQUIRED, "the payer has a passkey by now: it has to vouch")
        return self._make(world, row, self.made, payer).join(spent)

    def _spend(self, world: World, row: Registration) -> Changes:
        if self.proof is None:
            raise Refused(Reason.CONFIRMATION_REQUIRED, "an active passkey has to confirm this registration")
        terms = PasskeyAddTerms(
            registration_id=payers_own_name("registrations", row.payer, row.id), payer_id=payer_name(row.payer),
            passkey_display=row.display_name, rp_id=self.rp_id,
        )  # fmt: skip
        return spend(world, self.proof, terms)

    def _make(self, world: World, row: Registration, made: NewPasskey, payer: Payer) -> Changes:
        wall_us = world.wall_us
        cooling_end = wall_us + self.cooling_s * SECOND_US if row.recovery else 0
        key = Passkey(
            id=world.new_id(), payer=payer.id, display_name=row.display_name,
            state=PasskeyState.COOLING if row.recovery else PasskeyState.ACTIVE, state_version=1,
            credential=made.credential_id, public_key=made.public_key, handle=payer.handle,
            sign_count=made.sign_count, backup_eligible=made.backup_eligible, backup_state=made.backup_state,
            aaguid=made.aaguid, transports=" ".join(made.transports), spc=made.spc_capable,
            browser_keys="" if made.browser_key is None else encode(made.browser_key),
            devices="" if row.recovery else self.device, registration=row.id, regressed_time=0,
            trusted_time=(cooling_end or wall_us) + self.new_passkey_s * SECOND_US,
            cooling_end_time=cooling_end, last_use_time=0, revoked_by="", create_time=wall_us, update_time=wall_us,
        )  # fmt: skip
        finished = row._replace(passkey=key.id, update_time=wall_us)
        evidence = EnrolmentEvidence(
            key.id, payer.id, row.id, self.credential, row.challenge, row.attested,
            None if self.proof is None else self.proof.confirmation, wall_us,
        )  # fmt: skip
        facts = {"recovery": bool(row.recovery), "synced": bool(made.backup_eligible)}
        made_it = Changes(key, rows=(finished, evidence), events=(passkey_event(key, "created", **facts),))
        return made_it.join(self._cool(world, key, payer)) if row.recovery else made_it

    @staticmethod
    def _cool(world: World, key: Passkey, payer: Payer) -> Changes:
        """Until it has cooled, no mandate is spent and no balance is withdrawn."""
        paused = suspended(world.all(Mandate, "payer", payer.id), world.wall_us)
        cooling_us = key.cooling_end_time - world.wall_us
        blocked = payer._replace(
            withdraw_after=max(payer.withdraw_after, world.business_us + cooling_us),
            state_version=payer.state_version + 1, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(
            rows=(blocked, *paused), events=tuple(mandate_event(each) for each in paused), work=(cooling_of(key),)
        )


def cooling_of(key: Passkey) -> Work:
    """Returns the work of ending a passkey's cooling."""
    return Work(key.id, COOLING_WORK, key.id, WALL, key.cooling_end_time)
