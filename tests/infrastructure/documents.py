"""Code in documents: every ```python block runs, and so does every ```sh block that says `run`.

In: a Markdown file. Out: its blocks by language; what is only shown is ```py, or ```sh alone. Invariant: a block is run
as it stands, but for the address of the server it talks to.
"""

import re
from pathlib import Path
from typing import NamedTuple

from tests.infrastructure.sources import ROOT

FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
SERVER = "127.0.0.1:8443"
"""Where documents say that a server listens."""


class Block(NamedTuple):
    """A block of code: its document, the line it begins at, and what is in it."""

    document: str
    line: int
    code: str

    def __str__(self):
        return f"{self.document}:{self.line}"

    def execute(self, server=SERVER):
        """Runs a Python block in this process."""
        code = "\n" * self.line + self.code.replace(SERVER, server)  # so that a traceback names the document's line
        exec(compile(code, self.document, "exec"), {"__name__": "document"})


def blocks(document: str, language: str) -> list[Block]:
    """The blocks of a document in exactly this language, such as `python`, `sh` or `sh run`."""
    text = (ROOT / Path(document)).read_text(encoding="utf-8")
    return [
        Block(document, text.count("\n", 0, found.start()) + 1, found["code"])
        for found in FENCE.finditer(text)
        if found["language"] == language
    ]
