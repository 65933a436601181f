"""Where a payer may be sent back to: only below what the merchant registered.

In: a URL of a request and the merchant. Out: nothing, or a refusal. Invariant: an https URL passes by its whole origin
and an app's by its whole scheme, so that no look-alike of either does.
"""

from urllib.parse import urlsplit

from .merchant import Merchant
from .reasons import Reason
from .refusal import Refused


def check_return_url(merchant: Merchant, url: str) -> None:
    """Lets an empty URL and one below the merchant's `return_origins` pass.

    Raises:
        Refused: RETURN_URL_NOT_ALLOWED.
    """
    if not url:
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    origin = f"https://{parts.netloc.lower()}" if parts.scheme == "https" else f"{parts.scheme}:"
    if origin not in merchant.return_origins.split():
        raise Refused(Reason.RETURN_URL_NOT_ALLOWED, "its origin or scheme is not registered for the merchant")
