"""What tests of a keelpay integration need: a passkey in software.

In: options as the server makes them. Out: credentials as a browser makes them. Invariant: nothing here is for
production; it answers for a person who is not there.
"""

from .signer import PasskeySigner
from .soft_passkey import SoftPasskey

__all__ = ["PasskeySigner", "SoftPasskey"]
