"""What one command does, built whole before anything is applied.

In: entities, legs, holds, events and later work from a decision. Out: the world applies them, storage saves them.
Invariant: a command that raises has built no Changes, so it has changed nothing.
"""

from typing import Any, NamedTuple

from .refusal import Refused


class Event(NamedTuple):
    """Something that happened to one resource. Ids only: names and numbers of people stay out of the journal.

    Attributes:
        type: Dotted past tense, such as `payment.captured`.
        kind: The resource's id prefix (`pay`) or the collection of a named one (`merchants`).
        id: The resource's key: 16 bytes, or the text of a named resource.
        version: The resource's state_version after it.
        owner: The merchant (or partner) whose stream shows it; empty for the platform's own.
        data: Facts as text, integers, bytes, booleans and lists of them.
    """

    type: str
    kind: str
    id: bytes | str
    version: int
    owner: str
    data: dict[str, Any]


class Work(NamedTuple):
    """Something that must happen later: a row that any process may claim when it is due.

    Attributes:
        id: Key of the row; the subject's own key where there is one of the kind a subject.
        kind: Which handler does it, such as `operation` or `expiry`.
        subject: Key of what it is about; a named resource's name in UTF-8.
        clock: WALL or BUSINESS: which clock tells that it is due.
        due_time: Microseconds on that clock.
        attempt: How often it was tried.
        lease_owner: The process that has it, or empty.
        lease_until_us: Wall clock; after it anybody may claim it.
    """

    id: bytes
    kind: str
    subject: bytes
    clock: int
    due_time: int
    attempt: int = 0
    lease_owner: str = ""
    lease_until_us: int = 0


WALL, BUSINESS = 0, 1


class Changes(NamedTuple):
    """The whole effect of one command.

    Attributes:
        row: The entity that answers the caller; it is saved too. None only where nothing answers.
        rows: Further new or changed entities.
        legs: (debit, credit, amount, code): posted, linked in one event.
        pending: (debit, credit, plus or minus amount): holds placed, captured, released.
        events: What happened; legs belong to the first. Empty means that nothing happened.
        work: New or rescheduled later work.
        done: Keys of later work that is finished.
        opens: Numbers of accounts to open.
        refusal: A refusal that itself changes something (a spent confirmation, a counter).
    """

    row: Any = None
    rows: tuple[Any, ...] = ()
    legs: tuple[tuple[int, int, int, int], ...] = ()
    pending: tuple[tuple[int, int, int], ...] = ()
    events: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    done: tuple[bytes, ...] = ()
    opens: tuple[int, ...] = ()
    refusal: Refused | None = None

    def join(self, other: "Changes") -> "Changes":
        """Returns both effects as one; this one's row answers."""
        rows = self.rows + other.rows if other.row is None else (*self.rows, other.row, *other.rows)
        return Changes(
            self.row, rows, self.legs + other.legs, self.pending + other.pending, self.events + other.events,
            self.work + other.work, self.done + other.done, self.opens + other.opens, self.refusal or other.refusal,
        )  # fmt: skip


class Outcome(NamedTuple):
    """What became of one command.

    Attributes:
        row: The answering entity as the command left it; None for a repeat, whose entity is read afresh.
        key: The answering entity's key.
        refusal: Why it was refused, or None.
        replayed: Whether an earlier request with the same id had done it.
        rows: What else the command made or changed, so that an answer needs no reading.
    """

    row: Any
    key: bytes | str
    refusal: Refused | None = None
    replayed: bool = False
    rows: tuple[Any, ...] = ()
