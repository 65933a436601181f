"""Every module says what it is for, and nothing is left for later."""

import ast
import re

from tests.infrastructure import sources

LEFT_FOR_LATER = re.compile(r"\b(TODO|FIXME|HACK)\b")
TEXTS = {".py", ".proto", ".md", ".js", ".ts", ".css", ".html", ".toml", ".yaml", ".yml", ".sh"}
# Files that speak about these words, or do not belong to us.
ABOUT_THE_WORDS = {"tests/unit/tidy/test_words.py"}


def test_every_module_says_what_it_is_for():
    # The names of a test file's tests say what it is for.
    speaking = (path for path in sources.modules() if not path.name.startswith("test_") and sources.text(path).strip())
    assert [str(path) for path in speaking if not ast.get_docstring(sources.tree(path))] == []


def test_nothing_is_left_for_later():
    left = [
        f"{path}:{number}"
        for path in sources.files()
        if path.suffix in TEXTS and str(path) not in ABOUT_THE_WORDS and not sources.is_generated(path)
        for number, line in enumerate(sources.text(path).splitlines(), 1)
        if LEFT_FOR_LATER.search(line)
    ]
    assert left == []
