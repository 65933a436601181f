"""What a test needs and a machine may lack: said once, and a failure where everything has to be there.

In: a reason. Out: a skipped test, or with CI set a failed one. Invariant: CI never passes over a test in silence.
"""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Ends the test: skipped with the reason, or failed where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
