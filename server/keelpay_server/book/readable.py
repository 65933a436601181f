"""Text that people read: what nobody can see, or what turns the order of its neighbours, is not in it.

In: what a caller wrote into a field whose bounds say `readable`, a bank of its own accord, anybody into a file. Out:
what is wrong with it, a sentence or None; the text without that; the text with that written out.
Invariant: a name, a title, a note and a bank's words look on every screen like what is stored, so that nobody approves,
pays or is paid by a name that only looks like another one. What ordinary writing needs passes in the place where it
needs it: joiners in Persian, in the scripts of India and in emoji, marks that choose a shape, flags.
"""

import re
from typing import Final

LINE_BREAK: Final = "\n"
NOTHING_TO_READ: Final = "must have something to read"

_HIDDEN: Final = re.compile(
    "["
    "\0-\x1f\x7f-\x9f"  # controls, line breaks, escapes of terminals
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"  # soft hyphen, fillers, blanks
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn the direction of writing (UAX 9)
    "\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff"  # of no width, or separators
    "\ufe00-\ufe0f\ufff0-\ufffb\ufffe\uffff\ufdd0-\ufdef"  # selectors, annotations, no characters
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags, shorthand, music
    "]"
)
"""Default ignorable characters (UAX 44), controls and separators, whatever Unicode this Python knows."""

_PICTURES: Final = "\xa9\xae\u203c\u2049\u20e3\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING: Final = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
"""Scripts whose spelling uses joiners (RFC 5892, appendix A): Arabic and its neighbours, India's, Burmese, Khmer."""

_IN_PLACE: Final = re.compile(
    f"(?<=[{_PICTURES}\ufe0f])\u200d(?=[{_PICTURES}])"  # a family, a profession: one picture of several
    f"|(?<=[{_JOINING}])[\u200c\u200d]"
    "|(?<=[^\\s\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff])"
    "[\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef]"  # which shape the character before has
    "|\U0001f3f4[\U000e0061-\U000e007a]{2,5}\U000e007f"  # the flag of a part of a country
)

_BREAKS: Final = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_IN_PLACE_OR_HIDDEN: Final = re.compile(f"({_IN_PLACE.pattern})|{_HIDDEN.pattern}")


def unreadable(text: str, *, lines: bool) -> str | None:
    """Tells what is wrong with a text that people read.

    Args:
        text: Filled.
        lines: Whether it may have several lines.

    Returns:
        None for a good one, else a sentence. It names a character of no shape, never the text around it.
    """
    shown = text.replace(LINE_BREAK, " ") if lines else text
    hidden = _HIDDEN.search(shown) and _HIDDEN.search(_IN_PLACE.sub("", shown))
    if hidden:
        return f"must not contain U+{ord(hidden[0]):04X}, a character that nobody can see"
    return None if shown.strip() else NOTHING_TO_READ


def cleaned(text: str) -> str:
    """Returns a text of one line without what nobody can see: a bank is not asked to write it again."""
    text, before = _BREAKS.sub(" ", text), ""
    while text != before:  # what goes may have been what its neighbour was in place by
        text, before = _IN_PLACE_OR_HIDDEN.sub(lambda found: found[1] or "", text), text
    return text


def written_out(text: str) -> str:
    """Returns a text of one line with what nobody can see, and what is no character, as escapes: to show a forgery."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return _IN_PLACE_OR_HIDDEN.sub(lambda found: found[1] or found[0].encode("unicode_escape").decode(), whole)
