"""An engine for tests that run many examples in one loop of their own."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.infrastructure.books import open_engine


@pytest.fixture
def running_book(database_url):
    """(runner of a loop, engine in it)."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        engine = runner.run(stack.enter_async_context(open_engine(database_url)))
        yield runner, engine
        runner.run(stack.aclose())
