"""What a bank statement shows of a name that is longer than a statement's line.

In: a name. Out: its beginning. Invariant: no letter loses its marks and no joined picture its end: what is left over of
one is a character that nobody can see, and the server refuses it.
"""

import re
import unicodedata
from typing import Final

DESCRIPTOR_LENGTH: Final = 22
_JOINER: Final = "\u200d"
_BELONGS: Final = re.compile("[\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""Belongs to the sign before it: joiners, variants, tones of skin, tags of flags."""


def descriptor_of(name: str) -> str:
    """Returns a name, or as much of its beginning as fits; one that is a single long sign is cut through."""
    end = min(len(name), DESCRIPTOR_LENGTH)
    while end and not _is_boundary(name, end):
        end -= 1
    return name[: end or DESCRIPTOR_LENGTH].rstrip()


def _is_boundary(name: str, end: int) -> bool:
    if end >= len(name):
        return True
    after = name[end]
    mark = unicodedata.category(after).startswith("M") or _BELONGS.match(after)
    return not mark and name[end - 1] != _JOINER
