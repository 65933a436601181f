"""Small files and short functions: what one person can hold in mind."""

import ast

from tests.infrastructure import sources

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def test_no_file_is_longer_than_its_limit():
    lines = {str(path): sources.text(path).count("\n") for path in sources.modules()}
    assert {path: count for path, count in lines.items() if count > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_its_limit():
    long = {}
    for path in sources.modules("server", "sdk", "clients", "protos"):
        if "migrations/versions" in str(path):  # a step is a list of tables, not a thought
            continue
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = node.end_lineno - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    long[f"{path}:{node.lineno} {node.name}"] = count
    assert long == {}
