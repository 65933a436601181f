import importlib.util

import pytest

from tests.infrastructure.sources import ROOT

SPEC = importlib.util.spec_from_file_location("generate_sync", ROOT / "sdk/generate_sync.py")
generate_sync = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate_sync)


@pytest.mark.parametrize(
    ("source", "blocking"),
    [
        ("async def f():\n    return await g()\n", "def f():\n    return g()\n"),
        ("async with a as b:\n    pass\n", "with a as b:\n    pass\n"),
        ("class AsyncClient:\n    pass\n", "class Client:\n    pass\n"),
        ("x: Callable[[str], Awaitable[Page[T]]]\n", "x: Callable[[str], Page[T]]\n"),
        ("async def __aiter__(self): ...\n", "def __iter__(self): ...\n"),
        ("raise StopAsyncIteration\n", "raise StopIteration\n"),
        ("await async_sleep(1)\n", "sleep(1)\n"),
        ('"""`async with AsyncClient()`, or await it."""\n', '"""`with Client()`, or it."""\n'),
        ('x: "aio.Channel"\n', 'x: "grpc.Channel"\n'),
        ("from grpc import aio\nc = aio.secure_channel()\n", "import grpc\nc = grpc.secure_channel()\n"),
        ("import os\nimport grpc\nfrom grpc import aio\n", "import os\nimport grpc\n"),
        ("asynchronous = Asynchronous\n", "asynchronous = Asynchronous\n"),
    ],
)
def test_only_the_words_that_wait_are_dropped(source, blocking):
    assert generate_sync.blocking(source) == blocking
