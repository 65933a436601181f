"""What browsers are told to refuse: headers of every answer, and those of pages.

In: settings. Out: header pairs. Invariant: every answer has the first set; a page runs our own scripts alone, those of
its own origin and those whose digests are named, and only listed sites show it in a frame.
"""

from collections.abc import Sequence
from typing import Final

Pairs = tuple[tuple[str, str], ...]

EVERY_ANSWER: Final[Pairs] = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
NO_PAGE: Final[Pairs] = (("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),)
"""For what is data and never shown."""
UNDER_TLS: Final[Pairs] = (("strict-transport-security", "max-age=63072000; includeSubDomains"),)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'{scripts}; connect-src 'self'; style-src 'self'{styles}; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
_PERMISSIONS: Final = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), payment=(self), "
    "camera=(), geolocation=(), microphone=(), usb=()"
)


def page(frame_ancestors: Sequence[str], scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> Pairs:
    """Returns the headers of a page.

    Args:
        frame_ancestors: Origins that may show it in a frame; empty for nobody.
        scripts: Digests of those written into it: SHA-256 in base64 (CSP Level 3, 2.3.1).
        styles: Of the styles written into it.
    """
    ancestors = " ".join(frame_ancestors) or "'none'"
    policy = _POLICY.format(scripts=_sources(scripts), styles=_sources(styles), ancestors=ancestors)
    old = () if frame_ancestors else (("x-frame-options", "DENY"),)
    return (("content-security-policy", policy), ("permissions-policy", _PERMISSIONS), *old)


def _sources(digests: Sequence[str]) -> str:
    return "".join(f" 'sha256-{digest}'" for digest in digests)
