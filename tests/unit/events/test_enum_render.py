"""Laws of the table from facts to enums: no room puts a member into an event that is told as a bare number."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from keelpay_server.events.enum_render import ENUMS, member_name
from tests.infrastructure import sources

ROOMS = ("auth", "clearing", "events", "gateway", "risk")
FACTS = {fact for facts in ENUMS.values() for fact in facts}
TEXTS = {("proposal", "kind")}
"""Facts that bear the name of an enum's and are texts."""


def noun_of(call: ast.Call, path: Path) -> str:
    """The noun of an `Event(type, ...)`: a text, one that ends with a step, or a constant of its module."""
    what = call.args[0]
    if isinstance(what, ast.JoinedStr):
        what = what.values[0]
    if isinstance(what, ast.Constant):
        return str(what.value).partition(".")[0]
    assert isinstance(what, ast.Name)
    module = importlib.import_module(".".join(path.with_suffix("").parts[1:]))
    return str(getattr(module, what.id, path.stem)).partition(".")[0]


def facts_in(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Noun and name of each fact that a function with an `Event(...)` writes, and whether it is written as a number."""
    for function in ast.walk(sources.tree(path)):
        if not isinstance(function, ast.FunctionDef):
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        events = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Event"]
        for noun in {noun_of(event, path) for event in events}:
            for node in ast.walk(function):
                if isinstance(node, ast.Dict):
                    for key, value in zip(node.keys, node.values, strict=True):
                        if isinstance(key, ast.Constant):
                            number = isinstance(value, ast.Call) and ast.unparse(value.func) == "int"
                            yield noun, str(key.value), number


def test_every_member_that_a_room_puts_into_an_event_has_its_enum():
    found = {fact for path in sources.modules(*(sources.SERVER / room for room in ROOMS)) for fact in facts_in(path)}
    members = {(noun, fact) for noun, fact, number in found if number or fact in FACTS} - TEXTS
    assert {("payment", "channel"), ("review", "state"), ("risk", "label"), ("list_entry", "strength")} <= members
    assert [pair for pair in sorted(members) if pair[1] not in ENUMS.get(pair[0], {})] == []


def test_only_members_have_names():
    assert member_name("payment.captured", "state", 8) == "STATE_CAPTURED"
    assert member_name("payment.captured", "state", 99) is None
    assert member_name("payment.captured", "amount", 8) is None
    assert member_name("somebody.else", "state", 8) is None
