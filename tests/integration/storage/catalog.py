"""What a database says of its own tables, so that two databases can be compared.

In: an open connection. Out: sorted lines. Invariant: nothing that a statement could notice is left out: types, NULL,
keys, checks, indexes with their conditions, storage options.
"""

from sqlalchemy import Connection, text

_COLUMNS = (
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, "
    "pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped"
)
_CONSTRAINTS = (
    "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace"
)
_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_OPTIONS = "SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
_POSTGRES = (_COLUMNS, _CONSTRAINTS, _INDEXES, _OPTIONS)
_SQLITE = "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
_VERSION = "alembic_version"


def describe(connection: Connection) -> list[str]:
    """Returns the lines; Alembic's own table is not ours to describe."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(_SQLITE)).all()
        lines = [f"{table}: {part}" for table, sql in rows for part in _parts(sql)]
    else:
        lines = [" | ".join(map(str, row)) for query in _POSTGRES for row in connection.execute(text(query))]
    return sorted(line for line in lines if _VERSION not in line)


def _parts(sql: str) -> list[str]:
    """Splits a CREATE statement at the commas and brackets of its outermost list, which may stand in any order."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(sql):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if (depth, letter) in {(1, "("), (1, ","), (0, ")")}:
            parts.append(sql[start:at])
            start = at + 1
    return [" ".join(part.split()) for part in [*parts, sql[start:]]]
