import importlib.util
import re

import pytest

from tests.infrastructure.sources import ROOT

BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "sdk/README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_is_python():
    assert len(BLOCKS) == 5
    for block in BLOCKS:
        compile(block, "sdk/README.md", "exec")


@pytest.mark.skipif(importlib.util.find_spec("keelpay_server.app") is None, reason="the embedded server is missing")
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_readme_runs(number):
    exec(compile(BLOCKS[number], f"sdk/README.md, block {number}", "exec"), {"__name__": "readme"})
