"""Deleting rows that are past their keeping time: the statement, for both databases.

In: a table, how many keys, a condition. Out: SQL and its arguments. Invariant: keys name the rows, and the condition is
asked again as they go.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table

_BEFORE: Final = "__lt"


def sqlite_delete(table: Table, keys: Sequence[Any], where: Mapping[str, object]) -> tuple[str, list[Any]]:
    """Returns the statement without the book's number, which comes first, and what follows it."""
    conditions, arguments = [f"id IN ({_places(keys)})"], list(keys)
    for name, value in where.items():
        column = table.c[name.removesuffix(_BEFORE)].name
        if value is None:
            conditions.append(f"{column} IS NULL")
            continue
        values = list(value) if isinstance(value, list | tuple) else [value]
        conditions.append(f"{column} < ?" if name.endswith(_BEFORE) else f"{column} IN ({_places(values)})")
        arguments += values
    return f"DELETE FROM {table.name} WHERE book_id = ? AND {' AND '.join(conditions)}", arguments


def postgres_delete(table: Table, where: Mapping[str, object]) -> tuple[str, list[Any]]:
    """Returns the statement with $1 the book's number and $2 the keys, and the arguments from $3 on.

    It takes the book's lock as every writer does, so that no batch has read a row that goes.
    """
    conditions: list[str] = []
    arguments: list[Any] = []
    for name, value in where.items():
        column = table.c[name.removesuffix(_BEFORE)].name
        if value is None:
            conditions.append(f"t.{column} IS NULL")
            continue
        place = f"${len(arguments) + 3}"
        before = name.endswith(_BEFORE)
        conditions.append(f"t.{column} < {place}" if before else f"t.{column} = ANY({place})")
        arguments.append(value if before or isinstance(value, list | tuple) else [value])
    return (
        "WITH locked AS (SELECT book_id FROM books WHERE book_id = $1 FOR NO KEY UPDATE) "
        f"DELETE FROM {table.name} t USING locked WHERE t.book_id = locked.book_id AND t.id = ANY($2) "
        f"AND {' AND '.join(conditions)} RETURNING t.id"
    ), arguments


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
