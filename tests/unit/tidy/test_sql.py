"""SQL is at home in storage (and in the sandbox bank's own book), and nobody else writes any."""

import ast
import re

from tests.infrastructure import sources
from tests.infrastructure.sources import SERVER

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+(TABLE|INDEX))\b",
    re.DOTALL,
)


AT_HOME = (SERVER / "storage", SERVER / "rails/sandbox")


def written(node: ast.AST) -> str:
    """The text of a literal, an f-string or a chain of + and %, as far as it is fixed."""
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
        fixed = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        return "{}".join(value for value in fixed if isinstance(value, str))
    return ""


def test_no_sql_is_written_outside_storage():
    places = {
        f"{path}:{node.lineno}"
        for path in sources.modules("server", "sdk", "clients")
        if not any(path.is_relative_to(home) for home in AT_HOME)
        for node in ast.walk(sources.tree(path))
        if SQL.search(written(node))
    }
    assert places == set()
