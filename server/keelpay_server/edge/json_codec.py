"""JSON in place of protobuf, by protobuf's own mapping (ProtoJSON) and the generated descriptors.

In: JSON of a caller, or bytes of an answer. Out: bytes of a request, or JSON. Invariant: what the contract does not
know is refused, not dropped: a field misspelt would otherwise be a field left out.
"""

import json
from typing import Final

from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.protobuf.message import Message

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

BYTES_A_PROTO_BYTE: Final = 4
"""How many bytes of JSON stand for one of protobuf at most, names and base64 included, before a body is too big."""
_DEPTH_MAX: Final = 32


def read_json(body: bytes, kind: type[Message]) -> bytes:
    """Turns a JSON object into the bytes of a message.

    Raises:
        Refused: MESSAGE_MALFORMED, telling what is wrong and where.
    """
    if not body.lstrip().startswith(b"{"):  # the parser takes an empty list for an empty object
        raise Refused(Reason.MESSAGE_MALFORMED, "the body is no JSON object")
    try:
        message = Parse(body.decode(), kind(), max_recursion_depth=_DEPTH_MAX)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        told = " ".join(str(error).split()) if isinstance(error, ParseError) else "the body is no JSON of this message"
        raise Refused(Reason.MESSAGE_MALFORMED, told) from None
    return message.SerializeToString()


def write_json(raw: bytes, kind: type[Message]) -> bytes:
    """Turns the bytes of a message into JSON."""
    fields = MessageToDict(kind.FromString(raw))
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
