"""Counters: the projection of the journal that knows every payer, card, device, payee, address and list entry.

In: events whose data has a `decision`, labels, passkeys that may be copies, list entries. Out: a view for each batch,
a snapshot.
Invariant: the state is a function of the journal alone, eviction included: folding is seeing and adopting, so whoever
folds the same batches, from the first or from a snapshot, holds the same bytes.
"""

from collections.abc import Iterable
from typing import Any, Final

from keelpay_server.book.changes import Event

from . import counter as counters
from .counter import EMPTY, Counter
from .counters_snapshot import Copy, decode, encode
from .facts import DATA_KEY, Facts, from_data
from .features import ADDRESS, DEVICE, INSTRUMENT, PAYEE, PAYER
from .policy import RiskPolicy

KINDS: Final = (PAYER, INSTRUMENT, DEVICE, PAYEE, ADDRESS)
USES, OWNERS, LISTS = "uses", "owners", "lists"
TABLES: Final = (*KINDS, USES, OWNERS, LISTS)
OWNERS_MAX: Final = 4
"""So many payers are remembered of a device, the first ones: more of them say nothing new."""
KEPT_MAX: Final = 500_000
"""Entities of each kind in memory, about 300 bytes each; the longest untouched is forgotten first."""
LABEL_EVENT: Final = "risk.reported"
LIST_EVENT: Final = "list_entry.changed"
REGRESSED_EVENT: Final = "passkey.counter_regressed"
REGRESSED_MILLI: Final = 300
"""How much of a payer's fraud a passkey counts as that may have been copied: as a failed step-up (`label`)."""
REMOVED: Final = 0
"""The strength told of a list entry that ends at once."""
MILLI: Final = 1000
_RACES_MAX: Final = 100

Table = dict[str, Any]


class View:
    """The counters as one batch sees them: its own events lie over what was committed before.

    Args:
        tables: What was committed; never written here.
        policy: The policy in force.
    """

    __slots__ = ("_tables", "fresh", "policy")

    def __init__(self, tables: dict[str, Table], policy: RiskPolicy) -> None:
        self._tables = tables
        self.fresh: dict[str, Table] = {}
        self.policy = policy

    @classmethod
    def empty(cls, policy: RiskPolicy) -> "View":
        """Returns a view that knows nobody, for an engine that keeps no counters."""
        return cls({kind: {} for kind in TABLES}, policy)

    def see(self, event: Event, business_us: int) -> None:
        """Counts an event of this batch."""
        data = event.data
        if type(told := data.get(DATA_KEY)) is dict:
            self._count(from_data(told), business_us, first=told["first"], proven=told["proven"])
        elif event.type == LABEL_EVENT:
            self._label(from_data(data["facts"]), data["marks"], explained=data["explained"])
        elif event.type == REGRESSED_EVENT:
            payer = Facts(data["payer"], "", "", "", "", 0)
            self._label(payer, [(REGRESSED_MILLI, business_us)], explained=False)
        elif event.type == LIST_EVENT:
            self._put(LISTS, data["entry"], (data["strength"], data["expire_time"]))

    def get(self, key: tuple[str, str]) -> Any:
        """Returns what is known under a kind and an id, or None."""
        kind, name = key
        fresh = self.fresh.get(kind)
        if fresh is not None and (found := fresh.get(name)) is not None:
            return found
        kept = self._tables[kind].get(name)
        return counters.unpack(kept) if type(kept) is bytes else kept

    def counter(self, kind: str, key: str) -> Counter:
        """Returns the counter of an entity, EMPTY if it was never seen."""
        found: Counter | None = self.get((kind, key))
        return EMPTY if found is None else found

    def uses(self, payer: str, kind: str, key: str) -> int:
        """Returns how many proven payments of the payer went to this payee, or came from this device."""
        return self.get((USES, _pair(payer, kind, key))) or 0

    def owners(self, device: str) -> tuple[str, ...]:
        """Returns the payers who have proven payments from a device, the first OWNERS_MAX."""
        return self.get((OWNERS, device)) or ()

    def listed(self, entry: str, business_us: int) -> int:
        """Returns the strength of a list entry in force, or 0."""
        found = self.get((LISTS, entry))
        return found[0] if found is not None and found[1] > business_us else 0

    @property
    def lists(self) -> bool:
        """Whether there is any list entry at all: without one nothing needs to be hashed."""
        return bool(self._tables[LISTS]) or LISTS in self.fresh

    def _put(self, kind: str, key: str, value: Any) -> None:
        fresh = self.fresh.get(kind)
        if fresh is None:
            fresh = self.fresh[kind] = {}
        fresh[key] = value

    def _count(self, facts: Facts, time: int, *, first: bool, proven: bool) -> None:
        if not (first or proven):
            return
        for kind, key in _parties(facts):
            if key:
                before = self.counter(kind, key)
                self._put(kind, key, counters.count(before, time, facts.amount, attempt=first, proven=proven))
        if proven and facts.payer:
            payer, device = facts.payer, facts.device
            for kind, key in ((PAYEE, facts.merchant), (DEVICE, device)):
                if key:
                    pair = _pair(payer, kind, key)
                    self._put(USES, pair, (self.get((USES, pair)) or 0) + 1)
            if device:
                owners = self.owners(device)
                if payer not in owners and len(owners) < OWNERS_MAX:
                    self._put(OWNERS, device, (*owners, payer))

    def _label(self, facts: Facts, marks: Iterable[tuple[int, int]], *, explained: bool) -> None:
        for kind, key in _parties(facts):
            if key:
                after = self.counter(kind, key)
                for weight_milli, time in marks:
                    after = counters.mark(after, time, weight_milli / MILLI, explained=explained)
                self._put(kind, key, after)


class Counters:
    """The counters of one book, in memory.

    Args:
        policy: What decisions ask besides the counters; views carry it.
        kept_max: Entities remembered of each kind. List entries are never forgotten.
    """

    def __init__(self, policy: RiskPolicy, *, kept_max: int = KEPT_MAX) -> None:
        self.sequence = 0
        self.policy = policy
        self._kept_max = kept_max
        self._tables: dict[str, Table] = {kind: {} for kind in TABLES}
        self._moves = 0

    def fold(self, last: int, business_us: int, events: Iterable[Event]) -> None:
        """Counts the events of one batch that was committed elsewhere, or in an earlier life."""
        view = self.view()
        for event in events:
            view.see(event, business_us)
        self.adopt(view, last)

    def view(self) -> View:
        """Returns a view for one batch."""
        return View(self._tables, self.policy)

    def adopt(self, view: Any, last: int) -> None:
        """Keeps what a batch counted, after its commit."""
        self._moves += 1
        for kind, fresh in view.fresh.items():
            table = self._tables[kind]
            for key, value in fresh.items():
                # Taken out and put back: the order of the dict is the order of last use, by which it forgets.
                table.pop(key, None)
                if kind != LISTS or value[0] != REMOVED:
                    table[key] = counters.pack(value) if type(value) is Counter else value
            if kind != LISTS:
                for _ in range(len(table) - self._kept_max):
                    del table[next(iter(table))]
        self.sequence = last
        self._moves += 1

    def copy(self) -> Copy:
        """Returns what is held now; it may be called in a thread of its own while the lane adopts.

        It takes some 20 ms for 100,000 payers, in steps of at most 4 ms that cannot be interrupted.

        Raises:
            RuntimeError: The counters never stood still long enough to be read.
        """
        for _ in range(_RACES_MAX):
            moves, sequence = self._moves, self.sequence
            # Each list is copied in one step of the interpreter; the count of moves tells whether all are of one time.
            tables = [(kind, list(table), list(table.values())) for kind, table in self._tables.items()]
            if moves == self._moves and not moves % 2:
                return Copy(sequence, tables)
        raise RuntimeError("the counters are written without pause")

    def dump(self) -> list[bytes]:
        """Returns a snapshot of the state as of `sequence`, in parts. Raises as `copy`."""
        return list(encode(self.copy()))

    @classmethod
    def load(cls, policy: RiskPolicy, parts: Iterable[bytes], *, kept_max: int = KEPT_MAX) -> "Counters":
        """Returns the counters of a snapshot; they fold what came after it by themselves.

        Raises:
            ValueError: The snapshot has another format; begin from the journal instead.
        """
        made = cls(policy, kept_max=kept_max)
        made.sequence, tables = decode(parts)
        made._tables |= tables
        return made


def _parties(facts: Facts) -> tuple[tuple[str, str], ...]:
    return (
        (PAYER, facts.payer), (INSTRUMENT, facts.instrument), (DEVICE, facts.device), (PAYEE, facts.merchant),
        (ADDRESS, facts.address),
    )  # fmt: skip


def _pair(payer: str, kind: str, key: str) -> str:
    return f"{payer}\n{kind}\n{key}"
