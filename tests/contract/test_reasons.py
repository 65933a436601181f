"""The comment of an RPC lists the reasons of its own: those that its code names, and no others."""

import fnmatch
import re
from collections.abc import Iterator

import pytest

from tests.infrastructure.reach import handlers, reasons_of
from tests.infrastructure.sources import ROOT

AREAS = {"auth": "auth", "clearing": "clearing", "events": "event", "gateway": "gateway", "risk": "risk"}
"""Rooms, and what the contract calls them."""
ANY_RPC = {
    "CONFLICT", "DEADLINE_TOO_SHORT", "DRAINING", "FIELD_INVALID", "FILTER_INVALID", "IDEMPOTENCY_MISMATCH", "INTERNAL",
    "MESSAGE_MALFORMED", "NOT_OWNER", "OVERLOADED", "PAGE_TOKEN_INVALID", "RATE_LIMITED", "RESOURCE_NOT_FOUND",
    "SCOPE_MISSING", "STORAGE_UNAVAILABLE",
}  # fmt: skip
"""What the comment of Reason says once for all of them; an RPC may list them where it has more to say."""
FLOORS = {"INSUFFICIENT_FUNDS"}
"""What the ledger itself refuses, in the engine."""

OPTIONS = {
    "INSTRUMENT_NOT_USABLE", "INSUFFICIENT_FUNDS", "PASSKEY_LIMIT_EXCEEDED", "PASSKEY_NOT_ACTIVE", "PASSKEY_REQUIRED",
    "PAYER_FROZEN", "UNSUPPORTED_BY_RAIL",
}  # fmt: skip
PROOFS = {
    "CONFIRMATION_EXPIRED", "CONFIRMATION_MISMATCH", "CONFIRMATION_REJECTED", "CONFIRMATION_REPLAYED",
    "CONFIRMATION_REUSED", "CONFIRMATION_SIGNATURE_INVALID", "CONFIRMATION_SUPERSEDED", "PASSKEY_COUNTER_REGRESSED",
    "PASSKEY_LIMIT_EXCEEDED", "PASSKEY_NOT_ACTIVE",
}  # fmt: skip
NEVER = {
    "gateway.OpenSession": OPTIONS
    | {"ILLEGAL_TRANSITION"},  # told of each option; a link that is not open has a reason of its own
    "gateway.GetSession": OPTIONS,
    "gateway.ListPaymentOptions": OPTIONS,
    "gateway.CreatePayment": PROOFS | {"PAYMENT_PAID", "OPERATION_UNRESOLVED"},  # it is new, and nothing is signed yet
    "gateway.CreateCheckoutLink": {"CLIENT_ASSERTION_REPLAYED"},  # no word of the partner's is needed
    "events.ListEvents": {"CURSOR_INVALID"},  # a bad page token is PAGE_TOKEN_INVALID
    "gateway.Withdraw": {"ILLEGAL_TRANSITION"},  # what is signed with and spent has ended, or not: that is told apart
    "auth.FinishMandate": {"ILLEGAL_TRANSITION"},
    "auth.StartMandate": {"ILLEGAL_TRANSITION"},  # only what is pending is superseded
    "gateway.CreateRefund": {"ILLEGAL_TRANSITION"},  # a new one can go anywhere
    "auth.CreatePayerLink": {"ILLEGAL_TRANSITION"},  # only links that are open are replaced
    "auth.FinishRegistration": {"PASSKEY_LIMIT_EXCEEDED"},  # no money in it
    "auth.VetoRecovery": {"PASSKEY_LIMIT_EXCEEDED"},
    "auth.ResumePasskey": {"PASSKEY_LIMIT_EXCEEDED"},
}
"""Reasons that the code reaches by name and that cannot happen."""


def rpcs() -> Iterator[tuple[str, str, str]]:
    """Each RPC: its room, its name, its comment."""
    for room, area in AREAS.items():
        for path in sorted((ROOT / "protos/keelpay/api" / area / "v1").glob("*_service.proto")):
            for comment, name in re.findall(r"((?:^  //.*\n)+)  rpc (\w+)\(", path.read_text(), re.MULTILINE):
                yield room, name, " ".join(line.strip("/ ") for line in comment.splitlines())


RPCS = {f"{room}.{name}": comment for room, name, comment in rpcs()}
HANDLERS = {f"{room}.{name}": start for room, name, start in handlers()}


def named(rpc: str) -> set[str]:
    """The reasons that the code of an RPC reaches."""
    return reasons_of(HANDLERS[rpc], method=rpc.partition(".")[2])


def listed(comment: str) -> list[str]:
    """The reasons of a comment; CONFIRMATION_* stands for several."""
    text = re.sub(r"\([^)]*\)", "", comment.partition("Reasons:")[2])
    return re.findall(r"\b[A-Z]+_(?:\*|[A-Z_]+\b)", text)


def test_every_rpc_has_a_handler():
    assert RPCS.keys() - HANDLERS.keys() == set()
    assert len(RPCS) > 90


@pytest.mark.parametrize("rpc", RPCS)
def test_the_comment_lists_the_reasons_of_the_rpc(rpc):
    reached = named(rpc) - NEVER.get(rpc, set())
    written = listed(RPCS[rpc])
    known = reached | ANY_RPC | FLOORS
    assert [word for word in written if not fnmatch.filter(known, word)] == [], "listed, and nothing names it"
    assert [
        each for each in sorted(reached - ANY_RPC) if not any(fnmatch.fnmatch(each, word) for word in written)
    ] == []


@pytest.mark.parametrize("rpc", NEVER)
def test_what_is_excepted_is_still_reached(rpc):
    assert NEVER[rpc] - named(rpc) == set()
