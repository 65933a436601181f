"""Which facts of events are members of enums, and of which enum of the contract.

In: the type of an event, the name of a fact, its number. Out: the member's name, as protobuf's JSON has it.
Invariant: an event calls a state what the resource itself calls it; rooms keep numbers, and nobody outside sees one
(a test walks the rooms).
"""

from typing import Any, Final

from keelpay.api.auth.v1 import (
    confirmation_pb2,
    mandate_pb2,
    merchant_pb2,
    partner_pb2,
    passkey_pb2,
    proposal_pb2,
    signing_key_pb2,
)
from keelpay.api.clearing.v1 import break_pb2, payout_pb2, window_pb2
from keelpay.api.event.v1 import subscription_pb2
from keelpay.api.gateway.v1 import instrument_pb2, operation_pb2, order_pb2, payer_pb2, payment_pb2, refund_pb2
from keelpay.api.rail.v1 import statement_pb2
from keelpay.api.risk.v1 import decision_pb2, list_entry_pb2, review_pb2
from keelpay.api.type.v1 import channel_pb2, risk_outcome_pb2

ENUMS: Final[dict[str, dict[str, Any]]] = {
    "break": {
        "state": break_pb2.Break.State, "kind": break_pb2.BreakKind, "resolution": break_pb2.BreakResolution,
    },
    "client": {"state": partner_pb2.Partner.State},
    "confirmation": {
        "state": confirmation_pb2.Confirmation.State, "method": confirmation_pb2.ConfirmationMethod,
        "rejection": confirmation_pb2.Confirmation.Rejection,
    },
    "instrument": {"state": instrument_pb2.Instrument.State, "channel": channel_pb2.Channel},
    "list_entry": {"strength": list_entry_pb2.Strength},
    "mandate": {"state": mandate_pb2.Mandate.State},
    "merchant": {"state": merchant_pb2.Merchant.State},
    "order": {"state": order_pb2.Order.State},
    "passkey": {"state": passkey_pb2.Passkey.State},
    "payer": {"state": payer_pb2.Payer.State},
    "payment": {"state": payment_pb2.Payment.State, "channel": channel_pb2.Channel},
    "payout": {"state": payout_pb2.Payout.State},
    "proposal": {"state": proposal_pb2.Proposal.State},
    "refund": {
        "state": refund_pb2.Refund.State, "channel": channel_pb2.Channel, "lag_cause": refund_pb2.Refund.LagCause,
    },
    "review": {"state": review_pb2.Review.State},
    "risk": {"outcome": risk_outcome_pb2.RiskOutcome, "label": decision_pb2.Label},
    "signing_key": {"state": signing_key_pb2.SigningKey.State},
    "statement": {"kind": statement_pb2.StatementLineKind},
    "subscription": {"state": subscription_pb2.Subscription.State},
    "transfer": {"state": operation_pb2.OperationState, "kind": payer_pb2.Transfer.Kind},
    "window": {"state": window_pb2.Window.State},
}  # fmt: skip
"""By the noun of the event's type, then by the fact."""


def member_name(event_type: str, fact: str, number: int) -> str | None:
    """Returns the name of a member, such as `STATE_CAPTURED`; None where the fact is no enum's, or no member's."""
    enum = ENUMS.get(event_type.partition(".")[0], {}).get(fact)
    if enum is None or number not in enum.values():
        return None
    name: str = enum.Name(number)
    return name
