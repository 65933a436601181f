"""A reason as the wire carries it, as a member of `keelpay.Reason`.

In: its number. Out: the reason. Invariant: what a newer server may say is None here, and stays in the message.
"""

from keelpay.api.type.v1 import reason_pb2
from keelpay.enums import Reason


def reason_of(number: "reason_pb2.Reason.ValueType") -> Reason | None:
    """Returns a reason; None for none, or for one that is not known here."""
    name = reason_pb2.Reason.Name(number) if number in reason_pb2.Reason.values() else ""
    known = name.removeprefix("REASON_")
    return Reason(known) if number and known in Reason.__members__ else None
