"""A wall clock that stands until a test moves it, forwards or backwards."""

START_US = 1_780_000_000_000_000
"""In May 2026."""
HOUR_US = 3_600_000_000


class SettableClock:
    """Callable as a WallClock; starts at `now_us`."""

    def __init__(self, now_us: int = START_US) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def leap(self, by_us: int) -> None:
        """Moves the clock, backwards where it is below zero."""
        self.now_us += by_us
