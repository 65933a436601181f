"""How an entity becomes a table: its fields are the columns, so the two can never drift apart.

In: a NamedTuple class and its indexes. Out: a Table with `book_id` first. Invariant: a field's type is bytes, int,
str or bool (an IntEnum counts as int), optional where it may be NULL.
"""

import types
import typing

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_ix",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
        "pk": "%(table_name)s_pk",
    }
)
ENTITIES: dict[type, Table] = {}


def entity_table(
    entity: type, name: str, *items: SchemaItem, changing: bool = False, append_only: bool = False
) -> Table:
    """Declares the table of an entity.

    Args:
        entity: A NamedTuple whose first field, `id`, is the key inside a book.
        name: Table name.
        items: Indexes and further constraints; each begins with `book_id`.
        changing: Rows are updated often: PostgreSQL leaves room for it on each page.
        append_only: Rows are only inserted: PostgreSQL need not vacuum for inserts.
    """
    columns: list[Column[typing.Any]] = [Column("book_id", BigInteger, nullable=False, autoincrement=False)]
    for field, hint in typing.get_type_hints(entity).items():
        kind, nullable = column_type(hint)
        columns.append(Column(field, kind, nullable=nullable, autoincrement=False))
    options = {"fillfactor": 70} if changing else {}
    if append_only:
        options["autovacuum_vacuum_insert_threshold"] = -1
    table = Table(
        name, metadata, *columns, PrimaryKeyConstraint("book_id", "id"), *items,
        sqlite_with_rowid=False, postgresql_with=options,
    )  # fmt: skip
    ENTITIES[entity] = table
    return table


def column_type(hint: typing.Any) -> tuple[TypeEngine[typing.Any], bool]:
    """Returns the column type of a field's annotation, and whether it may be NULL."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (inner,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return column_type(inner)[0], True
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    if hint is bool:
        return Boolean(create_constraint=False), False
    if issubclass(hint, int):
        return BigInteger(), False
    if issubclass(hint, bytes):
        return LargeBinary(), False
    if issubclass(hint, str):
        return Text(), False
    raise TypeError(f"no column type for {hint!r}")
