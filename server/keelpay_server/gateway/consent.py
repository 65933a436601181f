"""What risk hears of how a payer said yes: the passkey behind a confirmation, or a mandate.

In: a proof that was spent, the passkey as it was before it signed. Out: risk's Consent. Invariant: only what the
signature proves is told, so nothing that a client claims of itself.
"""

from urllib.parse import urlsplit

from keelpay_server.auth.passkey import Passkey
from keelpay_server.auth.proof import Proof
from keelpay_server.auth.terms import ConfirmationMethod
from keelpay_server.book.world import World
from keelpay_server.risk.consent import UNSAID, BrowserKey, Consent, ConsentMethod, Site

from .payment import Payment

_METHODS = {ConfirmationMethod.WEBAUTHN: ConsentMethod.WEBAUTHN, ConfirmationMethod.SPC: ConsentMethod.SPC}
_MANDATED = Consent(ConsentMethod.MANDATE)


def consent_of(world: World, payment: Payment, proof: Proof | None, *, asked: bool = False) -> Consent:
    """Returns how a payment was consented to; `proof` has just been spent for it, or the payer is `asked` still."""
    key = None if proof is None or proof.passkey is None else world.get(Passkey, proof.passkey)
    if proof is None or key is None:
        under_mandate = payment.mandate is not None and not payment.stepped_up and not asked
        return _MANDATED if under_mandate else UNSAID
    return Consent(
        method=_METHODS[proof.method],
        synced=bool(proof.backup_state),
        age_us=max(0, world.wall_us - key.create_time),
        regressed_us=max(0, world.wall_us - key.regressed_time) if key.regressed_time else None,
        browser=_browser(proof, key),
        site=_site(proof.origin, proof.rp_id),
    )


def _browser(proof: Proof, key: Passkey) -> BrowserKey:
    if proof.browser_key is None:
        return BrowserKey.NONE
    if proof.browser_bound:
        return BrowserKey.KNOWN
    return BrowserKey.NEW if key.browser_keys else BrowserKey.FIRST


def _site(origin: str, rp_id: str) -> Site:
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"}:
        return Site.APP
    return Site.OWN if parts.hostname == rp_id else Site.OTHER
