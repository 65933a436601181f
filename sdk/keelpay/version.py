"""Which version of the client library this is."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed() -> str:
    """The version of whichever wheel brought this package: the light one, or the server's."""
    for wheel in ("keelpay", "keelpay-server"):
        try:
            return version(wheel)
        except PackageNotFoundError:
            continue
    return "0"


VERSION: Final = _installed()
USER_AGENT: Final = f"keelpay-python/{VERSION}"
