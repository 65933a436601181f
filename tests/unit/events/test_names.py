"""Laws of the table from kinds to resource names."""

import ast
import importlib
from pathlib import Path

import pytest

from keelpay_server.auth.client import COLLECTIONS
from keelpay_server.auth.names import stream_of as auth_stream_of
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.events.names import (
    NAMES,
    parse_subscription,
    resource_name,
    stream_of,
    subscription_name,
)
from tests.infrastructure import sources

KEY = bytes(range(16))
ROOMS = ("auth", "clearing", "events", "gateway", "insight", "risk")
FACTS = {"payer": "acme/ama", "client": "partners/acme"}


def kinds_in(path: Path) -> set[str]:
    """The kinds that a module's `Event(type, kind, ...)` expressions carry."""
    module = importlib.import_module(".".join(path.with_suffix("").parts[1:]))
    found: set[str] = set()
    for node in ast.walk(sources.tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event":
            kind = node.args[1]
            if isinstance(kind, ast.Constant):
                found.add(kind.value)
            elif hasattr(module, kind.id):
                found.add(getattr(module, kind.id))
            else:  # the one module whose kind is computed
                assert module.__name__ == "keelpay_server.auth.client", f"{path}:{node.lineno}"
                found.update(COLLECTIONS.values())
    return found


def test_every_kind_that_a_room_puts_into_an_event_has_a_name():
    used = set()
    for path in sources.modules(*(sources.SERVER / room for room in ROOMS)):
        used |= kinds_in(path)
    assert {"pay", "ord", "cnf", "merchants", "sub", "listEntries"} <= used
    assert used - NAMES.keys() == set()


@pytest.mark.parametrize("kind", sorted(NAMES.keys() - {"payers"}))
def test_every_name_is_whole_and_ends_with_the_key(kind):
    owner = "partners/acme" if kind == "sub" else "cafe"
    name = resource_name(kind, KEY, owner, FACTS)
    assert "{" not in name
    assert all(name.split("/"))
    assert name.endswith(f"/{kind}-00041061050r3gg28a1c60t3gf")


def test_names_are_those_of_the_contract():
    assert resource_name("merchants", "cafe", "cafe", {}) == "merchants/cafe"
    assert resource_name("payers", "acme/ama", "partners/acme", {}) == "partners/acme/payers/ama"
    assert resource_name("pay", KEY, "cafe", {}).startswith("merchants/cafe/payments/pay-")
    assert resource_name("cnf", KEY, "partners/acme", FACTS).startswith("partners/acme/payers/ama/confirmations/cnf-")
    assert resource_name("key", KEY, "partners/acme", FACTS).startswith("partners/acme/signingKeys/key-")


def test_a_kind_of_a_newer_program_does_not_stop_the_stream():
    assert resource_name("new", "x1", "", {}) == "new/x1"


def test_a_partners_stream_is_named_as_the_auth_room_names_it():
    assert stream_of("acme") == auth_stream_of("acme")


def test_a_subscriptions_name_reads_back():
    assert parse_subscription(subscription_name("acme", KEY)) == ("acme", KEY)
    with pytest.raises(Refused) as refused:
        parse_subscription("partners/acme/subscriptions/pay-00041061050r3gg28a1c60t3gf")
    assert refused.value.reason is Reason.FIELD_INVALID
