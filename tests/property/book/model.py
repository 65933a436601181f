"""What the engine promises, said in a dict: the model beside which random commands run.

In: specs of commands, as plain tuples. Out: the answer each must give. Invariant: it knows nothing of batches.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from keelpay_server.book.command import Command
from tests.integration.book.things import (
    CaptureMoney,
    HoldMoney,
    LinkThing,
    MakeThing,
    RefuseThing,
    TopUp,
    TouchLinked,
    TouchThing,
    asked,
)


class Spec(NamedTuple):
    """One command: things are named by the order in which they were made, requests by number and body."""

    kind: str
    request: int | None = None
    body: bytes = b"body"
    amount: int = 0
    thing: int = 0
    other: int = 0


@dataclass
class Made:
    """A thing as it has to be."""

    number: int
    name: str = "thing"
    held: int = 0
    touches: int = 0
    note: str | None = None


@dataclass
class Model:
    """The whole book."""

    balance: int
    available: int = 0
    things: list[Made] = field(default_factory=list)
    answers: dict[int, tuple[bytes, Any]] = field(default_factory=dict)
    """Request number -> its body and what it is answered with for ever."""

    def run(self, spec: Spec) -> Any:
        """Carries out one command; returns its answer: a thing's number, None, or the name of a reason."""
        if spec.request is not None and spec.request in self.answers:
            body, answer = self.answers[spec.request]
            return answer if body == spec.body else "IDEMPOTENCY_MISMATCH"
        answer, stored = self._decide(spec)
        if spec.request is not None and stored:
            self.answers[spec.request] = (spec.body, answer)
        return answer

    def command(self, spec: Spec, keys: list[bytes]) -> Command:
        """The engine's command, given the keys of the things so far."""
        request = None if spec.request is None else asked(spec.request, spec.body)
        thing = keys[spec.thing] if spec.thing < len(keys) else b"\xff" * 16
        other = keys[spec.other] if spec.other < len(keys) else b"\xff" * 16
        match spec.kind:
            case "make":
                return MakeThing(request=request, amount=spec.amount)
            case "break":
                return MakeThing(request=request, amount=spec.amount, broken=True)
            case "poison":
                return MakeThing(request=request, amount=spec.amount, name=1 << 70)
            case "touch":
                return TouchThing(request=request, thing=thing)
            case "link":
                return LinkThing(request=request, thing=thing, to=other)
            case "touch linked":
                return TouchLinked(request=request, thing=thing)
            case "refuse":
                return RefuseThing(request=request)
            case "refuse and spend":
                return RefuseThing(request=request, spend=thing)
            case "top up":
                return TopUp(request=request, amount=spec.amount)
            case "hold":
                return HoldMoney(request=request, amount=spec.amount)
            case _:
                return CaptureMoney(request=request, thing=thing)

    def _decide(self, spec: Spec) -> tuple[Any, bool]:
        """The answer, and whether it is remembered."""
        thing = self.things[spec.thing] if spec.thing < len(self.things) else None
        if spec.kind in {"touch", "link", "touch linked", "refuse and spend", "capture"} and thing is None:
            return "RESOURCE_NOT_FOUND", False
        match spec.kind:
            case "break":
                return "INTERNAL", False
            case "poison":
                return ("INSUFFICIENT_FUNDS", True) if spec.amount > self.room else ("INTERNAL", False)
            case "make":
                if spec.amount > self.room:
                    return "INSUFFICIENT_FUNDS", True
                self._post(spec.amount)
                self.things.append(Made(len(self.things)))
                return self.things[-1].number, True
            case "touch":
                thing.touches += 1
                return thing.number, True
            case "link":
                thing.note = spec.other if spec.other < len(self.things) else "nothing"
                return thing.number, True
            case "touch linked":
                if not isinstance(thing.note, int):
                    return "RESOURCE_NOT_FOUND", False
                self.things[thing.note].touches += 1
                return thing.note, True
            case "refuse":
                return "CONFIRMATION_REUSED", True
            case "refuse and spend":
                thing.note = "spent"
                return "CONFIRMATION_REUSED", True
            case "top up":
                self.balance += spec.amount
                return None, True
            case "hold":
                if spec.amount > self.room:
                    return "INSUFFICIENT_FUNDS", True
                self.things.append(Made(len(self.things), f"hold {spec.amount}", spec.amount))
                return self.things[-1].number, True
            case _:
                if not thing.held:
                    return "RESOURCE_NOT_FOUND", False
                self._post(thing.held)
                thing.name, thing.held = "captured", 0
                return thing.number, True

    @property
    def held(self) -> int:
        """What is on hold."""
        return sum(thing.held for thing in self.things)

    @property
    def room(self) -> int:
        """What may still leave the balance."""
        return self.balance - self.held

    def _post(self, amount: int) -> None:
        self.balance -= amount
        self.available += amount
