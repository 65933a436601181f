"""A small noun of its own for the engine's tests, so that they depend on no room above it."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from keelpay_server.book.changes import Changes, Event, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import Request, request_of
from keelpay_server.book.world import World
from keelpay_server.ledger.account import bank_clearing, merchant_available, payer_balance
from keelpay_server.storage.schema.entity import entity_table

CNY = 156
BALANCE, AVAILABLE, CLEARING = payer_balance(1, CNY), merchant_available(2, CNY), bank_clearing(3, CNY)


class Thing(NamedTuple):
    id: bytes
    name: str
    touches: int
    kept: bool
    note: str | None


entity_table(Thing, "test_things", changing=True)


def asked(number: int, body: bytes = b"body") -> Request:
    """The request of a number, the same each time."""
    return request_of("partner:acme", "/test/Make", "merchants/cafe", number.to_bytes(16, "big"), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccounts(Command):
    funds: int = 1_000_000

    def decide(self, world: World) -> Changes:
        legs = ((CLEARING, BALANCE, self.funds, 1),)
        return Changes(legs=legs, opens=(BALANCE, AVAILABLE, CLEARING), events=(_event("opened", b"accounts", 1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeThing(Command):
    name: str = "thing"
    amount: int = 0
    work: Work | None = None
    broken: bool = False

    def needs(self, need: Need) -> None:
        if self.amount:
            need.account(BALANCE)

    def decide(self, world: World) -> Changes:
        if self.broken:
            raise ZeroDivisionError
        thing = Thing(world.new_id(), self.name, 0, True, None)
        legs = ((BALANCE, AVAILABLE, self.amount, 1),) if self.amount else ()
        work = () if self.work is None else (self.work,)
        return Changes(thing, legs=legs, events=(_event("made", thing.id, 1),), work=work)


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchThing(Command):
    thing: bytes
    done: bytes | None = None

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        need.row(Thing, self.thing)

    def decide(self, world: World) -> Changes:
        thing = world.require(Thing, self.thing)
        thing = thing._replace(touches=thing.touches + 1)
        done = () if self.done is None else (self.done,)
        event = _event("touched", thing.id, thing.touches, kept=thing.kept, note=thing.note)
        return Changes(thing, events=(event,), done=done)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseThing(Command):
    """Refuses: with a change that is kept (`spend`), or with none."""

    spend: bytes | None = None

    def needs(self, need: Need) -> None:
        if self.spend is not None:
            need.row(Thing, self.spend)

    def decide(self, world: World) -> Changes:
        refusal = Refused(Reason.CONFIRMATION_REUSED, "it was used", confirmation="c1")
        if self.spend is None:
            raise refusal
        spent = world.require(Thing, self.spend)._replace(note="spent")
        return Changes(rows=(spent,), events=(_event("spent", spent.id, 9),), refusal=refusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveMoney(Command):
    """Posts from the balance and places (or, below zero, gives back) a hold on it, in one event."""

    post: int = 0
    hold: int = 0

    def needs(self, need: Need) -> None:
        need.account(BALANCE)

    def decide(self, world: World) -> Changes:
        legs = ((BALANCE, AVAILABLE, self.post, 2),) if self.post else ()
        pending = ((BALANCE, AVAILABLE, self.hold),) if self.hold else ()
        return Changes(legs=legs, pending=pending, events=(_event("moved", b"money", 1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMoney(Command):
    """Makes a thing that keeps a hold on the balance; its name says how much."""

    amount: int

    def needs(self, need: Need) -> None:
        need.account(BALANCE)

    def decide(self, world: World) -> Changes:
        thing = Thing(world.new_id(), f"hold {self.amount}", 0, True, None)
        pending = ((BALANCE, AVAILABLE, self.amount),)
        return Changes(thing, pending=pending, events=(_event("made", thing.id, 1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureMoney(Command):
    """Posts what a thing holds, once."""

    thing: bytes

    def needs(self, need: Need) -> None:
        need.row(Thing, self.thing)
        need.account(BALANCE)

    def decide(self, world: World) -> Changes:
        thing = world.require(Thing, self.thing)
        if not thing.name.startswith("hold "):
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        amount = int(thing.name.removeprefix("hold "))
        return Changes(
            thing._replace(name="captured"),
            legs=((BALANCE, AVAILABLE, amount, 2),),
            pending=((BALANCE, AVAILABLE, -amount),),
            events=(_event("captured", thing.id, 2),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp(Command):
    """Raises the balance."""

    amount: int

    def decide(self, world: World) -> Changes:
        return Changes(legs=((CLEARING, BALANCE, self.amount, 1),), events=(_event("topped", b"money", 1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkThing(Command):
    """Lets one thing's note name another."""

    thing: bytes
    to: bytes

    def needs(self, need: Need) -> None:
        need.row(Thing, self.thing)

    def decide(self, world: World) -> Changes:
        thing = world.require(Thing, self.thing)._replace(note=self.to.hex())
        return Changes(thing, events=(_event("linked", thing.id, 1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchLinked(Command):
    """Touches the thing that another one's note names: its key is known only after the first round of loading."""

    thing: bytes

    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        thing = need.row(Thing, self.thing)
        if thing is not None and (to := _linked(thing)) is not None:
            need.row(Thing, to)

    def decide(self, world: World) -> Changes:
        to = _linked(world.require(Thing, self.thing))
        if to is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND)
        linked = world.require(Thing, to)
        linked = linked._replace(touches=linked.touches + 1)
        return Changes(linked, events=(_event("touched", linked.id, linked.touches),))


def _linked(thing: Thing) -> bytes | None:
    """What a thing's note names, if it names anything: a note may also say that it was spent."""
    return None if thing.note in (None, "spent") else bytes.fromhex(thing.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceThing(MakeThing):
    """A made thing that higher rooms react to."""

    emits: ClassVar[str] = "thing.announced"


def _event(what: str, key: bytes, version: int, **data: object) -> Event:
    return Event(f"thing.{what}", "thg", key, version, "cafe", data)
