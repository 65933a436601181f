"""The law of messages: n commands in one message are decided as n calls one after the other would be."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keelpay_server.book import journal
from tests.property.book.model import Spec
from tests.property.book.modelled_book import ModelledBook
from tests.property.book.test_engine_model import specs

messages = st.lists(st.lists(specs, min_size=1, max_size=10), min_size=1, max_size=5)


def told(book):
    """The events, legs and holds of a book, without the borders of its batches, ids as the numbers of things."""
    number = {key: at for at, key in enumerate(book.keys)}
    named = {key.hex(): at for key, at in number.items()}
    events, legs, pending = [], [], []
    for row in book.runner.run(book.engine.reader.journal(0, 10_000)):
        body = journal.decode(row.body)
        for sequence, kind, _, key, version, owner, actor, data in body.events:
            facts = {name: named.get(value, value) for name, value in data.items()}
            events.append((sequence, kind, number.get(key, key), version, owner, actor, facts))
        legs += body.legs
        pending += body.pending
    return events, legs, pending


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=messages)
def test_commands_in_messages_are_decided_as_one_by_one(copy_of, parts):
    books = [ModelledBook(copy_of()) for _ in range(2)]
    try:
        together, alone = books
        for part in parts:
            known = [together.known(spec) for spec in part]
            together.send(known)
            for spec in known:
                alone.send([spec])
        assert told(together) == told(alone)
        for book in books:
            book.check()
    finally:
        for book in books:
            book.close()


@pytest.mark.parametrize("size", [1, 2, 500, 1000, 2500])
def test_a_message_of_any_size_is_done_whole(copy_of, size):
    book = ModelledBook(copy_of())
    try:
        book.send([specs_of(at) for at in range(size)])
        book.check()
    finally:
        book.close()


def specs_of(at):
    """A mix in which every seventh command repeats one of its own message."""
    if at % 7 == 6:
        return Spec("make", at - 6)
    return Spec("make", at) if at % 3 else Spec("touch", at, thing=at // 2)
