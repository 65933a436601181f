"""Routes: which rail serves a channel and currency, as the settings say.

In: the settings' rails. Out: a rail's name, or empty. Invariant: the same question has the same answer in all processes
that share the settings.
"""

from typing import NamedTuple


class Route(NamedTuple):
    """One rail as the gateway sees it.

    Attributes:
        bank: Its name.
        channel: The contract's Channel.
        currencies: What it takes; empty for all.
        authenticates: Whether the payer's own bank or wallet asks the payer.
    """

    bank: str
    channel: int
    currencies: frozenset[str] = frozenset()
    authenticates: bool = True


class Routes:
    """All rails of the installation, in order of preference."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._routes = routes

    def choose(self, channel: int, currency: str, wanted: str = "") -> str:
        """Returns the rail that serves a channel and currency, the wanted one if it does, or empty for none."""
        for route in self._routes:
            serves = route.channel == channel and (not route.currencies or currency in route.currencies)
            if serves and wanted in ("", route.bank):
                return route.bank
        return ""

    def serving(self, channel: int, wanted: str = "") -> str:
        """Returns the rail that serves a channel in whatever currency: the wanted one if it does, else the first."""
        banks = [route.bank for route in self._routes if route.channel == channel]
        return wanted if wanted in banks else next(iter(banks), "")

    def all(self, channel: int, currency: str) -> tuple[str, ...]:
        """Returns every rail that serves a channel and currency, the preferred first."""
        return tuple(
            route.bank
            for route in self._routes
            if route.channel == channel and (not route.currencies or currency in route.currencies)
        )

    def of(self, bank: str) -> Route | None:
        """Returns the route of a rail."""
        return next((route for route in self._routes if route.bank == bank), None)
