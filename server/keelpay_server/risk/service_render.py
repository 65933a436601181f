"""How decisions, reviews and list entries look on the wire, for whom.

In: rows and the caller. Out: the contract's messages. Invariant: scores, values and sources are for operators; anybody
else sees the outcome and the factors that raised the risk.
"""

from keelpay.api.risk.v1 import decision_pb2, list_entry_pb2, review_pb2
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.ids import text
from keelpay_server.book.wire_render import money, stamp

from .decision import KIND as DECISION_KIND
from .decision import Decision, contributions_of
from .label import Report
from .list_entry import COLLECTION, FOR_EVER, ListEntry
from .reads import PAYMENT_KIND
from .review import KIND as REVIEW_KIND
from .review import Review

_OPERATOR = "operator:"


def render_decision(row: Decision, report: Report | None, caller: Caller) -> decision_pb2.Decision:
    """Returns a decision as the caller may see it."""
    message = decision_pb2.Decision(
        name=f"decisions/{text(DECISION_KIND, row.id)}",
        merchant=f"merchants/{row.merchant}",
        payment=_payment_name(row.merchant, row.payment, row.external),
        external_payment_id=row.external,
        outcome=row.outcome,  # type: ignore[arg-type]
        reasons=_reasons(row.reasons, caller),
        rule_version=row.rule_version,
        model_version=row.model_version,
        degraded=row.degraded,
        review="" if row.review is None else f"reviews/{text(REVIEW_KIND, row.review)}",
        create_time=stamp(row.create_time),
    )
    if caller.kind == CallerKind.OPERATOR and not row.degraded:
        message.score, message.probability_ppm = row.score, row.probability_ppm
    if report is not None:
        message.label = report.label  # type: ignore[assignment]
        message.label_time.CopyFrom(stamp(report.count_time))
    return message


def render_label(row: Decision, report: Report, _caller: Caller) -> decision_pb2.Decision:
    """Returns what a bank may see of a decision: the payment, and the label in force."""
    return decision_pb2.Decision(
        payment=_payment_name(row.merchant, row.payment, row.external),
        label=report.label,  # type: ignore[arg-type]
        label_time=stamp(report.count_time),
    )


def render_review(row: Review, caller: Caller) -> review_pb2.Review:
    """Returns a review."""
    message = review_pb2.Review(
        name=f"reviews/{text(REVIEW_KIND, row.id)}",
        payment=_payment_name(row.merchant, row.payment, row.external),
        merchant=f"merchants/{row.merchant}",
        decision=f"decisions/{text(DECISION_KIND, row.decision)}",
        outcome=row.outcome,  # type: ignore[arg-type]
        reasons=_reasons(row.reasons, caller),
        amount=money(row.amount, row.currency),
        state=row.state,  # type: ignore[arg-type]
        state_version=row.state_version,
        due_time=stamp(row.due_time),
        comment=row.comment,
        decider=_operator(row.decider),
        create_time=stamp(row.create_time),
        update_time=stamp(row.update_time),
    )
    if row.decide_time:
        message.decide_time.CopyFrom(stamp(row.decide_time))
    return message


def render_entry(row: ListEntry) -> list_entry_pb2.ListEntry:
    """Returns a list entry; its value is not known any more."""
    message = list_entry_pb2.ListEntry(
        name=entry_name(row.id),
        kind=row.kind,  # type: ignore[arg-type]
        strength=row.strength,  # type: ignore[arg-type]
        comment=row.comment,
        creator=_operator(row.creator),
        create_time=stamp(row.create_time),
        update_time=stamp(row.update_time),
    )
    if row.expire_time != FOR_EVER:
        message.expire_time.CopyFrom(stamp(row.expire_time))
    return message


def entry_name(key: str) -> str:
    """`listEntries/{kind}-{hash}`."""
    return f"{COLLECTION}/{key}"


def _reasons(stored: str, caller: Caller) -> list[decision_pb2.DecisionReason]:
    reasons = contributions_of(stored)
    if caller.kind == CallerKind.OPERATOR:
        return [
            decision_pb2.DecisionReason(factor=factor, contribution_milli=milli, source=source)  # type: ignore[arg-type]
            for milli, factor, source in reasons
        ]
    safe = dict.fromkeys(factor for milli, factor, _ in reasons if milli >= 0)
    return [decision_pb2.DecisionReason(factor=factor) for factor in safe]  # type: ignore[arg-type]


def _payment_name(merchant: str, payment: bytes, external: str) -> str:
    return "" if external else f"merchants/{merchant}/payments/{text(PAYMENT_KIND, payment)}"


def _operator(actor: str) -> str:
    return f"operators/{actor.removeprefix(_OPERATOR)}" if actor.startswith(_OPERATOR) else actor
