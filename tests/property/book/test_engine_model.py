"""The engine beside a dict: whatever is sent, in whatever messages, repeated and restarted, both say the same."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.property.book.model import Spec
from tests.property.book.modelled_book import ModelledBook, make_template

KINDS = (
    *("make", "touch", "capture") * 2,
    *("make", "hold", "link", "refuse", "refuse and spend", "top up", "break", "poison"),
)
numbers = st.integers(0, 12)
specs = st.builds(
    Spec, st.sampled_from(KINDS), st.one_of(st.none(), numbers), st.sampled_from((b"body", b"body", b"other")),
    st.integers(1, 40), st.integers(0, 5), st.integers(0, 5),
)  # fmt: skip


class EngineBesideModel(RuleBasedStateMachine):
    """Rules send messages; every answer is compared at once, the whole book after each step."""

    url_of = None

    @initialize()
    def open(self):
        self.book = ModelledBook(type(self).url_of())

    @rule(spec=specs)
    def send_one(self, spec):
        self.book.send([spec])

    @rule(message=st.lists(specs, min_size=2, max_size=12))
    def send_many(self, message):
        self.book.send(message)

    @rule(thing=st.integers(0, 5), request=st.one_of(st.none(), numbers))
    def touch_linked(self, thing, request):
        self.book.send([Spec("touch linked", request, thing=thing)])

    @rule(again=st.lists(numbers, min_size=1, max_size=8))
    def replay(self, again):
        """Requests that were answered once, sent again together."""
        known = [number for number in again if number in self.book.model.answers]
        if known:
            answers = self.book.model.answers
            self.book.send([Spec("make", number, answers[number][0]) for number in known])

    @rule()
    def restart(self):
        self.book.stop()
        self.book.start()

    @rule(by_us=st.integers(0, 10**12))
    def advance(self, by_us):
        before = self.book.runner.run(self.book.engine.reader.book()).business_us
        assert self.book.runner.run(self.book.engine.store.advance(by_us)) >= before + by_us

    @invariant()
    def the_book_is_as_the_model_says(self):
        if hasattr(self, "book"):
            self.book.check()

    def teardown(self):
        if hasattr(self, "book"):
            self.book.close()


def run(url_of, examples):
    machine = type("Machine", (EngineBesideModel,), {"url_of": staticmethod(url_of)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_engine_says_what_the_model_says_on_sqlite(copy_of):
    run(copy_of, 25)


@pytest.mark.slow
@pytest.mark.postgres
def test_the_engine_says_what_the_model_says_on_postgresql(postgres_server):
    template = postgres_server.create_database()
    make_template(template)
    name = template.rsplit("/", 1)[1]
    run(lambda: postgres_server.create_database(template=name), 6)
