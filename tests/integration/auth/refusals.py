"""How tests of this room read a refusal."""

import pytest

from keelpay_server.book.refusal import Refused


async def refused(awaitable):
    """The reason for which something is refused."""
    with pytest.raises(Refused) as caught:
        await awaitable
    return caught.value.reason
