"""The tables: one file a room, all in one metadata. `book_id` is first in every primary key, every constraint named.

In: the rooms' NamedTuples, whose field order is the column order. Out: `metadata` and the map from entity to table.
"""

from . import auth, book, clearing, events, gateway, risk
from .entity import ENTITIES, metadata

__all__ = ["ENTITIES", "auth", "book", "clearing", "events", "gateway", "metadata", "risk"]
