"""Orders of a test: how the sandbox bank treats its next operations, whatever their amount and instrument.

In: orders. Out: a scenario for an operation that one of them befalls. Invariant: orders take effect in the order they
came, one for each operation, and each for as many operations as it says; a known id is never taken twice.
"""

from typing import Any, Final

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest
from keelpay_server.book.sandbox_bank import SandboxOrder
from keelpay_server.book.times import SECOND_US

from .magic import SCENARIOS, Scenario

_ALL: Final = tuple(OperationKind)
_DECIDED_LATER: Final = (OperationKind.AUTHORIZE, OperationKind.REFUND, OperationKind.PAY)
_STATED: Final = (OperationKind.AUTHORIZE, OperationKind.CAPTURE, OperationKind.REFUND, OperationKind.PAY)
_DECLINE: Final = "INSUFFICIENT_FUNDS"
_DELAY_S: Final = 10
_DECLINED, _PENDING = OperationOutcome.DECLINED, OperationOutcome.PENDING
_PLAIN: Final = Scenario(0, _STATED)

BEHAVIOURS: Final = {
    1: Scenario(0, _ALL, lost=True),
    2: Scenario(0, _ALL, silent=True),
    6: Scenario(0, _ALL, contradicted=True),
    7: Scenario(0, _ALL, _DECLINED, _DECLINE),
    8: Scenario(0, _DECIDED_LATER, _PENDING, later_s=_DELAY_S),
    9: Scenario(0, _DECIDED_LATER, _PENDING, later_s=_DELAY_S, later=_DECLINED, later_code=_DECLINE),
    10: _PLAIN,
    11: _PLAIN,
    12: _PLAIN,
    13: _PLAIN,
}
"""What the bank can be ordered to do, by the number of the contract's Behaviour. Late, doubled and reordered replies
are faults of the way to it (`faults.py`), which are set for all calls."""
_MISSTATEMENTS: Final[dict[int, dict[str, Any]]] = {
    10: {"day_shift": None}, 11: {"day_shift": 1}, 12: {"twice": True}, 13: {},
}  # fmt: skip
_AMOUNT: Final = 13


class ScenarioOrders:
    """The orders of one bank. Forgotten when its process ends."""

    def __init__(self) -> None:
        self._orders: dict[bytes, tuple[SandboxOrder, Scenario]] = {}
        self._misstated: list[tuple[bytes, dict[str, Any]]] = []
        self._forced = ("", 0)

    def add(self, order: SandboxOrder) -> None:
        """Takes an order, unless its id is known or the bank cannot follow it."""
        scenario = scenario_of_order(order)
        if scenario is not None and order.id not in self._orders:
            self._orders[order.id] = (order, scenario)

    def take(self, request: OperationRequest) -> Scenario | None:
        """Returns what befalls a new operation, or None where no order fits it."""
        for key, (order, scenario) in self._orders.items():
            fits = request.kind in scenario.kinds and order.instrument in {"", request.instrument}
            if fits and order.operation_count:
                self._orders[key] = (order._replace(operation_count=order.operation_count - 1), scenario)
                if order.behaviour in _MISSTATEMENTS:
                    difference = _MISSTATEMENTS[order.behaviour]
                    self._misstated.append((request.key, {**difference, "delta": order.amount_delta}))
                return scenario
        return None

    def force(self, scenario: str, operation_count: int) -> None:
        """Makes the next operations that a scenario of the magic table can befall follow it.

        Raises:
            KeyError: There is no such scenario.
        """
        if scenario not in SCENARIOS:
            raise KeyError(scenario)
        self._forced = (scenario, operation_count)

    def take_forced(self, kind: OperationKind) -> str:
        """Returns the scenario that the next operation of a kind has to follow, or an empty text."""
        name, count = self._forced
        if not count or kind not in SCENARIOS[name].kinds:
            return ""
        self._forced = (name, count - 1)
        return name

    def take_misstated(self) -> list[tuple[bytes, dict[str, Any]]]:
        """Returns the operations whose statement lines are to be wrong, and how, once."""
        taken, self._misstated = self._misstated, []
        return taken

    def remaining(self) -> dict[bytes, int]:
        """Returns how many operations are left of each order that was not used up."""
        return {key: order.operation_count for key, (order, _) in self._orders.items() if order.operation_count}

    def clear(self) -> None:
        """Uses all orders up; their ids stay known."""
        self._orders = {
            key: (order._replace(operation_count=0), scenario) for key, (order, scenario) in self._orders.items()
        }


def scenario_of_order(order: SandboxOrder) -> Scenario | None:
    """Returns what an order makes of an operation; None where there is no such behaviour, or not for these kinds."""
    scenario = BEHAVIOURS.get(order.behaviour)
    if scenario is None or (order.behaviour == _AMOUNT) != bool(order.amount_delta):
        return None
    kinds = tuple(kind for kind in scenario.kinds if not order.kinds or kind in order.kinds)
    if not kinds:
        return None
    scenario = scenario._replace(kinds=kinds)
    if order.delay_us and scenario.later_s:
        scenario = scenario._replace(later_s=-(-order.delay_us // SECOND_US))
    if order.code and scenario.code:
        scenario = scenario._replace(code=order.code)
    if order.code and scenario.later_code:
        scenario = scenario._replace(later_code=order.code)
    return scenario
