"""Laws of joining two effects: nothing is lost, the first answers, its events come first."""

from keelpay_server.book.changes import Changes, Event, Work
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused


def event(name):
    return Event(name, "thg", b"k", 1, "", {})


ONE, TWO = Work(b"w", "k", b"s", 0, 1), Work(b"v", "k", b"s", 0, 1)
FIRST = Changes("a", ("b",), ((1, 2, 3, 4),), ((1, 2, 5),), (event("one"),), (ONE,), (b"d",), (9,))
SECOND = Changes("c", ("d",), ((2, 1, 6, 7),), ((2, 1, -5),), (event("two"),), (TWO,), (b"e",), (8,))


def test_joining_loses_nothing_and_keeps_order():
    joined = FIRST.join(SECOND)
    assert joined.row == "a"
    assert joined.rows == ("b", "c", "d")
    assert joined.legs == FIRST.legs + SECOND.legs
    assert joined.pending == FIRST.pending + SECOND.pending
    assert joined.events == FIRST.events + SECOND.events
    assert joined.work == FIRST.work + SECOND.work
    assert joined.done == FIRST.done + SECOND.done
    assert joined.opens == FIRST.opens + SECOND.opens


def test_joining_nothing_changes_nothing():
    assert FIRST.join(Changes()) == FIRST
    assert Changes().join(Changes(rows=("x",))) == Changes(rows=("x",))


def test_a_refusal_of_either_refuses_both_and_the_first_one_speaks():
    one, two = Refused(Reason.CONFLICT), Refused(Reason.INTERNAL)
    assert FIRST._replace(refusal=one).join(SECOND._replace(refusal=two)).refusal is one
    assert FIRST.join(SECOND._replace(refusal=two)).refusal is two


def test_every_field_is_joined():
    # A field added to Changes and forgotten in join would be lost without a word.
    empty = Changes()
    for at, name in enumerate(Changes._fields):
        only = empty._replace(**{name: SECOND[at] if SECOND[at] is not None else Refused(Reason.CONFLICT)})
        joined = empty.join(only)
        found = joined.rows if name == "row" else getattr(joined, name)
        assert found, name
