"""EvidenceOutcome: what became of a confirmation whose signature is genuine, as its evidence tells it.

In: the reason that the commit gave, or none. Out: the member `outcome` of a file, and the digest that covers it with
all the rest. Invariant: accepted is the empty reason and nothing else.
"""

import json
from hashlib import sha256
from typing import Any, Final, NamedTuple

from .strict_json import integer_member, text_member

MEMBER: Final = "outcome"


class EvidenceOutcome(NamedTuple):
    """What the commit that spent a confirmation decided.

    Attributes:
        reason: Why the act was refused, the name of a Reason; empty: it was accepted.
        decided_at_us: When, wall clock, microseconds.
    """

    reason: str
    decided_at_us: int

    @property
    def accepted(self) -> bool:
        """Whether the act was allowed by it."""
        return not self.reason

    def members(self) -> dict[str, Any]:
        """Returns it as a file tells it."""
        return {"accepted": self.accepted, "reason": self.reason, "decidedAtUs": self.decided_at_us}


def read_outcome(members: object) -> EvidenceOutcome:
    """Reads it from a file.

    Raises:
        ValueError: It is missing, or it contradicts itself.
    """
    if not isinstance(members, dict):
        raise ValueError("outcome must be an object")  # noqa: TRY004  (one exception for everything malformed)
    found = EvidenceOutcome(text_member(members, "reason"), integer_member(members, "decidedAtUs"))
    if members != found.members() or type(members["accepted"]) is not bool:
        raise ValueError("outcome contradicts itself")
    return found


def with_outcome(document_digest: str, outcome: EvidenceOutcome) -> str:
    """Returns the digest of a document and its outcome together: SHA-256, hexadecimal.

    Args:
        document_digest: Of all members but `outcome` and `seal`.
        outcome: What became of it.
    """
    told = json.dumps(outcome.members(), sort_keys=True, separators=(",", ":"))
    return sha256(f"{document_digest}\n{told}".encode("ascii", "backslashreplace")).hexdigest()
