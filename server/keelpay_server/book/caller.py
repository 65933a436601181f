"""Who calls: the authenticated party behind a request, as every room sees it.

In: built by the authentication of `rpc` from a verified token. Out: read by decisions and by ownership checks.
Invariant: a Caller exists only after its proof was verified; nothing in it is taken from the request's body.
"""

from enum import IntEnum
from typing import NamedTuple


class CallerKind(IntEnum):
    """The parties that call, numbered as in the contract."""

    UNSPECIFIED = 0
    PARTNER = 1
    PAYER = 2
    OPERATOR = 3
    BANK = 4
    ANYONE = 5


class Caller(NamedTuple):
    """One authenticated party.

    Attributes:
        kind: Which kind of party.
        partner: The partner's id for PARTNER and PAYER; empty otherwise.
        subject: The id of the party itself: partner, `partner/payer`, operator or bank.
        scopes: What its token allows.
        purpose: A payer token's single purpose: `pay`, `enrol` or `manage`; empty for the others.
        resource: The one resource that purpose is bound to (a payment's name for `pay`), or empty.
        evidence: What the token's issuer attested (an `enrol` token's auth_time and amr), as JSON text, or empty.
        key: Name of the client key behind the token, or empty; whatever is issued further ends with that key.
        session: Id of the link that opened a payer's session, or empty.
    """

    kind: CallerKind
    partner: str
    subject: str
    scopes: frozenset[str] = frozenset()
    purpose: str = ""
    resource: str = ""
    evidence: str = ""
    key: str = ""
    session: str = ""

    @property
    def actor(self) -> str:
        """The name kept in the audit trail, such as `partner:acme` or `operator:ops-1`."""
        return f"{CallerKind(self.kind).name.lower()}:{self.subject}"


ANYONE = Caller(CallerKind.ANYONE, "", "")
SYSTEM = Caller(CallerKind.UNSPECIFIED, "", "system")
