"""Money is counted in integers: no floating point number comes near an amount."""

import ast
from pathlib import Path

from tests.infrastructure import sources
from tests.infrastructure.sources import SDK, SERVER

# Where no float may occur at all. Seconds and ratios are at home elsewhere (book's lane, risk, insight).
EXACT = (SERVER / "ledger", SERVER / "clearing", SERVER / "gateway", SDK / "money.py")
# Modules there that await for a number of seconds, or count shares for people to read.
INEXACT_NAMES = ("service", "reads")


def exact_modules() -> list[Path]:
    return [path for path in sources.modules(*EXACT) if not {*path.stem.split("_")} & {*INEXACT_NAMES}]


def is_float(node: ast.AST) -> bool:
    is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
    return is_literal or (isinstance(node, ast.Name) and node.id == "float")


def names_money(node: ast.AST) -> bool:
    names = {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }
    return any(name.endswith("_minor") for name in names)


def test_no_float_and_no_true_division_in_exact_rooms():
    inexact = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path in exact_modules()
        for node in ast.walk(sources.tree(path))
        if is_float(node) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not is_path(node))
    ]
    assert inexact == []


def is_path(node: ast.BinOp) -> bool:
    return any(
        "path" in ast.unparse(side).lower() or isinstance(side, ast.JoinedStr) for side in (node.left, node.right)
    )


def test_no_amount_meets_a_float_anywhere():
    inexact = []
    for path in sources.modules("server", "sdk", "clients"):
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.BinOp) and names_money(node):
                sides = [part for side in (node.left, node.right) for part in ast.walk(side)]
                if isinstance(node.op, ast.Mult | ast.Add | ast.Sub) and any(map(is_float, sides)):
                    inexact.append(f"{path}:{node.lineno} {ast.unparse(node)}")
            elif isinstance(node, ast.Call) and is_float(node.func) and names_money(node):
                inexact.append(f"{path}:{node.lineno} {ast.unparse(node)}")
    assert inexact == []
