import pytest

from tests.infrastructure.documents import blocks

BLOCKS = blocks("sdk/README.md", "python")


def test_the_readme_has_its_examples():
    assert len(BLOCKS) == 5


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_the_readme_runs(block):
    block.execute()
