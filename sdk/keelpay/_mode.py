"""Which kind of installation is being talked to: test or live, for ever, told in the metadata of every answer.

In: what the program expects, and the metadata of answers. Out: the mode. Invariant: what was told first is kept; a
program that expects the other one is stopped before it sends anything of its own.
"""

from collections.abc import Iterable
from typing import Final

from .errors import ConfigurationError

MODE_KEY: Final = "x-keelpay-mode"
MODES: Final = frozenset({"test", "live"})


class InstallationMode:
    """The mode of one server, as far as it is known."""

    def __init__(self, expected: str = "") -> None:
        """Knows nothing yet.

        Args:
            expected: `test` or `live`; empty for either.

        Raises:
            ConfigurationError: It is neither.
        """
        if expected and expected not in MODES:
            raise ConfigurationError(f'an installation is "test" or "live", and never "{expected}"')
        self.expected = expected
        self.told = ""

    def hear(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> None:
        """Takes the mode from the metadata of an answer or an error, if it is not known yet."""
        if self.told:
            return
        for key, value in metadata or ():
            if key == MODE_KEY:
                self.told = value if isinstance(value, str) else value.decode("ascii", "replace")

    def require(self, target: str) -> None:
        """Stops a program that is connected to the other kind of installation.

        Args:
            target: Where it is connected to.

        Raises:
            ConfigurationError: It is the other kind, or a server that does not say.
        """
        if self.expected and self.told != self.expected:
            told = f"a {self.told} installation" if self.told else "no installation that tells its mode"
            raise ConfigurationError(
                f'this client is for a {self.expected} installation, mode="{self.expected}", and {target} is {told}'
            )
