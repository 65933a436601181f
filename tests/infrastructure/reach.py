"""Which reasons a handler's code names: everything that it reaches by name, through all rooms.

In: a definition of the server's. Out: the reasons. Invariant: it reads source alone, so it finds more than can happen
(a branch that is never taken counts) and less where a port hides who stands behind it (PORTS says so).
"""

import ast
from collections.abc import Iterator
from functools import cache

from tests.infrastructure import sources

Definition = tuple[str, str]
"""A module and the name of a function, a class or a constant in it."""

PORTS: dict[str, Definition] = {
    "_cursors": ("keelpay_server.events.cursor", "Cursors"),
    "_desk": ("keelpay_server.gateway.tokenizer", "InstrumentDesk"),
    "_methods": ("keelpay_server.gateway.payment_method", "MethodDesk"),
    "_source": ("keelpay_server.gateway.terms", "StoredTerms"),
}
"""What handlers hold and await, and who that is."""
ENGINE = {f"keelpay_server.book.{name}" for name in ("batch", "engine", "lane", "world")}
"""What every command goes through: its refusals belong to all of them."""
_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
_Found = tuple[frozenset[str], frozenset[Definition]]
_REQUIRE = "require"


def reasons_of(start: Definition, *, method: str) -> set[str]:
    """Returns the reasons that a method of a class and all that it reaches name."""
    found: set[str] = set()
    seen: set[Definition] = set()
    todo = [_read_method(*start, method)]
    while todo:
        reasons, targets = todo.pop()
        found |= reasons
        todo += [_read_definition(*target) for target in targets - seen]
        seen |= targets
    return found


def handlers() -> Iterator[tuple[str, str, Definition]]:
    """Yields room and name of each method that answers an RPC, with its class."""
    for module in _modules():
        if "service" in module.rpartition(".")[2]:
            for name, node in _definitions(module).items():
                for each in node.body if isinstance(node, ast.ClassDef) else ():
                    if isinstance(each, ast.AsyncFunctionDef) and each.name[0].isupper():
                        yield module.split(".")[1], each.name, (module, name)


def _with_own(module: str, name: str, method: str) -> Iterator[ast.AST]:
    """A method of a class, and the methods of the same class that it calls."""
    body = getattr(_definitions(module)[name], "body", ())
    own = {node.name: node for node in body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}
    todo, seen = [method], {method}
    while todo:
        node = own[todo.pop()]
        yield node
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and part.attr in own and part.attr not in seen:
                seen.add(part.attr)
                todo.append(part.attr)


@cache
def _read_definition(module: str, name: str) -> _Found:
    owner, _, method = name.partition(".")
    return _read_method(module, owner, method) if method else _read(module, _definitions(module)[name])


def _read_method(module: str, name: str, method: str) -> _Found:
    parts = [_read(module, node) for node in _with_own(module, name, method)]
    return frozenset().union(*(part[0] for part in parts)), frozenset().union(*(part[1] for part in parts))


def _read(module: str, node: ast.AST) -> _Found:
    """The reasons that stand in a definition, and the definitions that it names."""
    reasons: set[str] = set()
    targets: set[Definition] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and (found := _resolved(module, part.id)):
            targets.add(found)
        elif isinstance(part, ast.Attribute) and part.attr == _REQUIRE:
            reasons.add("RESOURCE_NOT_FOUND")
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Attribute) and part.value.attr in PORTS:
            port, name = PORTS[part.value.attr]
            targets.add((port, f"{name}.{part.attr}"))
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            base, name = _imports(module).get(part.value.id, ("", ""))
            if part.value.id == "Reason" and part.attr.isupper():
                reasons.add(part.attr)
            elif part.attr in _definitions(f"{base}.{name}"):
                targets.add((f"{base}.{name}", part.attr))
    return frozenset(reasons), frozenset(each for each in targets if each[0] not in ENGINE)


def _resolved(module: str, name: str) -> Definition | None:
    if name in _definitions(module):
        return module, name
    base, own = _imports(module).get(name, ("", ""))
    return (base, own) if own in _definitions(base) else None


@cache
def _modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.with_suffix("").parts[1:]).removesuffix(".__init__"): sources.tree(path)
        for path in sources.modules(sources.SERVER)
    }


@cache
def _definitions(module: str) -> dict[str, _Node]:
    found: dict[str, _Node] = {}
    for node in _modules()[module].body if module in _modules() else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    return found


@cache
def _imports(module: str) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for node in ast.walk(_modules()[module]):
        if isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {alias.asname or alias.name: (base, alias.name) for alias in node.names}
    return found
