"""The policy table: who may call an RPC, how often, for how long, and whether it changes anything.

In: the `policy` option of every method descriptor. Out: one `Policy` row a method; `admit` applies it to a caller.
Invariant: every RPC has a complete row, or the server does not start.
"""

from collections.abc import Iterable
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor

from keelpay.api.type.v1 import policy_pb2
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .contract import MethodShape, StartRefusedError

_US_PER_MS = 1_000


class Policy(NamedTuple):
    """One row of the table.

    Attributes:
        scope: The scope a token must hold; empty only where anyone may call.
        callers: The kinds of callers that may call. Empty where only those may who never call this server: such a row
            belongs to a service that others serve, and admits nobody here.
        rate_per_minute: Calls one caller may make in a minute.
        deadline_us: The longest time a call may take, in microseconds.
        read_only: The call changes nothing.
    """

    scope: str
    callers: frozenset[CallerKind]
    rate_per_minute: int
    deadline_us: int
    read_only: bool

    @property
    def open_to_anyone(self) -> bool:
        """Whether a caller without a credential is served."""
        return CallerKind.ANYONE in self.callers

    @property
    def wants_credential(self) -> bool:
        """Whether some caller of this RPC holds a credential, so that one that is sent must be verified."""
        return self.callers != {CallerKind.ANYONE}


def read_policies(methods: Iterable[MethodShape]) -> dict[str, Policy]:
    """Reads the whole table from the descriptors.

    Returns:
        One row a full method name.

    Raises:
        StartRefusedError: A row is missing or makes no sense; the text names each such RPC and what is wrong.
    """
    table: dict[str, Policy] = {}
    faults: list[str] = []
    for method in methods:
        wrong = _faults(method.descriptor)
        if wrong:
            faults.append(f"{method.name} {' and '.join(wrong)}")
        else:
            table[method.name] = _row(method.descriptor)
    if faults:
        raise StartRefusedError("the policy table is incomplete: " + "; ".join(faults))
    return table


def admit(policy: Policy, caller: Caller) -> None:
    """Lets a caller pass, or says why not.

    Raises:
        Refused: SCOPE_MISSING, with the scope or the kind of caller that is needed.
    """
    if caller.kind not in policy.callers:
        kinds = " or ".join(sorted(kind.name.lower() for kind in policy.callers)) or "nobody"
        raise Refused(Reason.SCOPE_MISSING, f"callers of this method: {kinds}", caller_kind=caller.kind.name.lower())
    if policy.scope and policy.scope not in caller.scopes and caller.kind is not CallerKind.ANYONE:
        raise Refused(Reason.SCOPE_MISSING, f"the token lacks the scope {policy.scope}", scope=policy.scope)


def _row(method: MethodDescriptor) -> Policy:
    option = method.GetOptions().Extensions[policy_pb2.policy]
    return Policy(
        scope=option.scope,
        callers=frozenset(kind for kind in CallerKind if kind.value in _kinds(option)),
        rate_per_minute=option.rate_per_minute,
        deadline_us=option.deadline_ms * _US_PER_MS,
        read_only=option.read_only,
    )


def _kinds(row: policy_pb2.Policy) -> set[int]:
    return set(map(int, row.callers))


def _faults(method: MethodDescriptor) -> list[str]:
    options = method.GetOptions()
    if not options.HasExtension(policy_pb2.policy):
        return ["has no policy"]
    row = options.Extensions[policy_pb2.policy]
    known = set(policy_pb2.CallerKind.values()) - {policy_pb2.CALLER_KIND_UNSPECIFIED}
    anyone = int(CallerKind.ANYONE) in _kinds(row)
    rules = (
        (bool(row.callers), "names no caller"),
        (_kinds(row) <= known, "names an unknown kind of caller"),
        (bool(row.scope) or anyone, "names no scope"),
        (row.rate_per_minute > 0, "has no rate limit"),
        (row.deadline_ms > 0, "has no deadline"),
    )
    return [text for holds, text in rules if not holds]
