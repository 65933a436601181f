"""Device: where a payer has confirmed something, known again by an id that nobody else can guess.

In: the id that a browser or an app keeps. Out: what is stored of it, and whether the payer has confirmed on it.
Invariant: only a digest of payer and id together is stored; a device is known through a passkey that may sign now, so a
key that is revoked or suspended takes its devices along.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from keelpay_server.book import ids
from keelpay_server.book.caller import Caller
from keelpay_server.book.ports import Reader

from . import base64url
from .passkey import Passkey, PasskeyState
from .payer_link import KIND as LINK
from .payer_link import PayerLink

ID_LENGTH_MIN: Final = 32
"""A shorter id might be guessed, such as a model's name."""


def device_digest(payer: str, device_id: str) -> str:
    """Returns what is stored of a payer's device; empty for an id that might be guessed."""
    if len(device_id) < ID_LENGTH_MIN:
        return ""
    return base64url.encode(hashlib.sha256(f"{payer} {device_id}".encode()).digest())


def is_known(keys: Iterable[Passkey], device: str) -> bool:
    """Tells whether one of a payer's passkeys that may sign now has confirmed something on a device.

    Args:
        keys: The payer's passkeys.
        device: A `device_digest` of that payer.
    """
    signing = (key for key in keys if key.state == PasskeyState.ACTIVE)
    return bool(device) and any(device in key.devices.split() for key in signing)


async def session_link(reader: Reader, caller: Caller) -> PayerLink | None:
    """Returns the link that opened the caller's session, or None where a partner asked for its token itself."""
    return await reader.get(PayerLink, ids.parse(LINK, caller.session)) if caller.session else None


async def device_of(reader: Reader, caller: Caller, payer: str, device_id: str = "") -> str:
    """Returns the digest of the device that a call comes from.

    Args:
        reader: To find the session.
        caller: Who calls. A session is of the device that opened its link, whatever its calls say.
        payer: Whose device it is.
        device_id: What the call says, which counts where no link opened a session.
    """
    link = await session_link(reader, caller)
    return device_digest(payer, device_id) if link is None else link.device
