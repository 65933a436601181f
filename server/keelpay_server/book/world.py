"""The world of one batch: what was loaded, what its commands have changed so far.

In: rows loaded by storage, Changes from decisions. Out: everything `save` has to write.
Invariant: only `apply` writes, only after a decision returned whole Changes, and no floored account passes below zero.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from keelpay_server.ledger.account import floor_sign

from .caller import SYSTEM
from .changes import WALL, Changes, Work
from .ids import first_id
from .lease import NOBODY
from .projection import NO_COUNTERS, CounterView
from .reasons import Reason
from .refusal import Refused
from .request import RequestRow

Row = TypeVar("Row")
Key = bytes | str | int


class Unloaded(Exception):  # noqa: N818  (a signal between the world and the lane, not an error)
    """A decision asked for something that its `needs` could not name before this batch began: decide it in the next."""


class World:
    """One batch's view of its book.

    Attributes:
        book: Book number.
        wall_us: Wall clock of the batch.
        business_us: Business clock of the batch.
        first: Sequence of the batch's first event.
        sequence: Sequence of its last event so far.
        head: Link of the batch before.
        next_owner: The next free owner number for accounts.
        counters: The risk counters as this batch sees them.
        caller: Who asked for the command being decided.
        lease: How this process leases work.
    """

    __slots__ = (
        "asked", "book", "business_us", "caller", "counters", "done", "events", "first", "groups", "head", "lease",
        "legs", "loaded", "moved", "new_requests", "next_owner", "opened", "pending", "requests", "room", "rows",
        "sequence", "tail", "touched", "wall_us",
    )  # fmt: skip

    def __init__(
        self, book: int, sequence: int, head: bytes, wall_us: int, business_us: int, next_owner: int, entropy: int
    ) -> None:
        self.book, self.sequence, self.head = book, sequence, head
        self.first = sequence + 1
        self.wall_us, self.business_us, self.next_owner = wall_us, business_us, next_owner
        self.rows: dict[type, dict[Key, Any]] = {}
        self.loaded: dict[type, set[Key]] = {}
        self.asked: dict[type, set[Key]] = {}
        self.groups: set[tuple[type, str, Key]] = set()
        self.touched: dict[type, dict[Key, Any]] = {}
        self.room: dict[int, int] = {}
        self.moved: dict[int, list[int]] = {}
        self.opened: dict[int, None] = {}
        self.legs: list[tuple[int, int, int, int, int, int]] = []
        self.pending: list[tuple[int, int, int, int]] = []
        self.events: list[tuple[Any, ...]] = []
        self.done: dict[bytes, None] = {}
        self.requests: dict[bytes, RequestRow] = {}
        self.new_requests: list[RequestRow] = []
        self.counters: CounterView = NO_COUNTERS
        self.lease = NOBODY
        self.caller = SYSTEM
        self.tail = first_id(wall_us, book, entropy)

    # ---- what decisions read

    def get(self, entity: type[Row], key: Key) -> Row | None:
        """Returns an entity as the batch sees it now, or None if there is none.

        Raises:
            Unloaded: If nobody asked for it in `needs`.
        """
        rows = self.rows.get(entity)
        if rows is not None and (row := rows.get(key)) is not None:
            return row  # type: ignore[no-any-return]
        if key in self.asked.get(entity, ()):
            return None
        raise Unloaded(f"{entity.__name__} {key!r}")

    def require(self, entity: type[Row], key: Key) -> Row:
        """Returns an entity that the request depends on.

        Raises:
            Refused: RESOURCE_NOT_FOUND.
        """
        row = self.get(entity, key)
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=entity.__name__.lower())
        return row

    def all(self, entity: type[Row], column: str, value: Key) -> list[Row]:
        """Returns every entity whose column has the value; the group must have been named in `needs`."""
        if (entity, column, value) not in self.groups:
            raise Unloaded(f"{entity.__name__}.{column} {value!r}")
        return [row for row in self.rows.get(entity, {}).values() if getattr(row, column) == value]

    def headroom(self, account: int) -> int:
        """Returns by how much a floored account may still be lowered, holds included."""
        room = self.room.get(account)
        if room is None:
            raise Unloaded(f"account {account}")
        return room

    def balance(self, account: int) -> int:
        """Returns credits less debits, posted, of an account without a floor, as the batch sees it now."""
        at_first = self.room.get(account)
        if at_first is None:
            raise Unloaded(f"account {account}")
        moved = self.moved.get(account)
        return at_first if moved is None else at_first + moved[1] - moved[0]

    def new_id(self) -> bytes:
        """Returns a fresh id of this book."""
        self.tail += 1
        return self.tail.to_bytes(16, "big")

    def new_owner(self) -> int:
        """Returns a fresh owner number for the accounts of a merchant, payer or bank."""
        owner = self.next_owner
        self.next_owner = owner + 1
        return owner

    # ---- what a decided command writes

    def apply(self, changes: Changes) -> None:
        """Writes the whole effect of one command.

        Raises:
            Refused: INSUFFICIENT_FUNDS, with nothing written, if a loaded floored account would pass below zero.
            ValueError: With nothing written, if money moves outside an event or an account is opened twice.
        """
        row, rows, legs, pending, events, work, done, opens, _ = changes
        if not events and (legs or pending or opens):
            raise ValueError("money moves and accounts open only in an event: the journal is what proves them")
        if opens and not self.opened.keys().isdisjoint(opens):
            raise ValueError("an account is opened twice")
        if (legs or pending) and self.room:
            self._keep_floors(legs, pending)
        for account in opens:
            self.opened[account] = None
        sequence = self.sequence + 1
        moved = self.moved
        for n, (debit, credit, amount, code) in enumerate(legs):
            self.legs.append((sequence, n, debit, credit, amount, code))
            if (sums := moved.get(debit)) is None:
                sums = moved[debit] = [0, 0, 0, 0]
            sums[0] += amount
            if (sums := moved.get(credit)) is None:
                sums = moved[credit] = [0, 0, 0, 0]
            sums[1] += amount
        for debit, credit, amount in pending:
            self.pending.append((sequence, debit, credit, amount))
            moved.setdefault(debit, [0, 0, 0, 0])[2] += amount
            moved.setdefault(credit, [0, 0, 0, 0])[3] += amount
        if row is not None:
            self._put(row)
        for other in rows:
            self._put(other)
        for task in work:
            self.done.pop(task.id, None)
            self._put(self._lease(task))
        for key in done:
            self._finish(key)
        actor = self.caller.actor
        see = self.counters.see
        for event in events:
            self.events.append((sequence, *event[:5], actor, event[5]))
            sequence += 1
            see(event, self.business_us)
        self.sequence += len(events)

    def _lease(self, task: Work) -> Work:
        """Work that is due at once belongs to this process first: it follows up without claiming it back."""
        now = self.wall_us if task.clock == WALL else self.business_us
        if task.due_time > now:
            return task._replace(lease_owner="", lease_until_us=0)
        return self.lease.take(task, self.wall_us)

    def _put(self, row: Any) -> None:
        entity, key = type(row), row[0]
        rows = self.rows.get(entity)
        if rows is None:
            rows = self.rows[entity] = {}
        touched = self.touched.get(entity)
        if touched is None:
            touched = self.touched[entity] = {}
        rows[key] = touched[key] = row

    def _finish(self, key: bytes) -> None:
        self.rows.get(Work, {}).pop(key, None)
        self.touched.get(Work, {}).pop(key, None)
        self.done[key] = None

    def _keep_floors(self, legs: Iterable[tuple[int, int, int, int]], pending: Iterable[tuple[int, int, int]]) -> None:
        """Lowers and raises what is left on the loaded floored accounts, or refuses and leaves them as they were."""
        room = self.room
        before: dict[int, int] = {}
        for debit, credit, amount, _ in legs:
            if credit in room:
                before.setdefault(credit, room[credit])
                room[credit] += amount * floor_sign(credit)
            if debit in room:
                before.setdefault(debit, room[debit])
                room[debit] -= amount * floor_sign(debit)
        for debit, credit, amount in pending:
            if debit in room and floor_sign(debit) > 0:
                before.setdefault(debit, room[debit])
                room[debit] -= amount
            if credit in room and floor_sign(credit) < 0:
                before.setdefault(credit, room[credit])
                room[credit] -= amount
        for account, was in before.items():
            if room[account] < 0 and room[account] < was:
                room.update(before)
                raise Refused(Reason.INSUFFICIENT_FUNDS)
