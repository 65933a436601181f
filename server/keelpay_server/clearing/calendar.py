"""Calendars: when a window is cut off, in the merchant's own time zone, and what is some business days later.

In: a calendar such as `Asia/Shanghai@00:00` and a moment. Out: the next cut-off after it. Pure: the zones come from the
IANA database alone. Invariant: cut-offs only move forward, also over the hours that summer time skips or repeats; a
business day is Monday to Friday, here and nowhere else.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from keelpay_server.book.times import DAY_US

_FORM: Final = re.compile(r"([A-Za-z][A-Za-z0-9_+/-]{0,63})@([01][0-9]|2[0-3]):([0-5][0-9])")
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRIDAY: Final = 4


class CalendarError(ValueError):
    """A text is not a calendar, or its zone is not in the IANA database."""


class Calendar(NamedTuple):
    """One calendar."""

    zone: ZoneInfo
    """Whose midnights count."""
    cut_off: time
    """The time of day at which windows close."""


@lru_cache(maxsize=256)
def parse_calendar(text: str) -> Calendar:
    """Reads `<IANA zone>@<HH:MM>`.

    Raises:
        CalendarError: The text has another form, or nobody knows the zone.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise CalendarError("a calendar is <IANA zone>@<HH:MM>")
    try:
        return Calendar(ZoneInfo(match[1]), time(int(match[2]), int(match[3])))
    except (KeyError, ValueError, OSError) as error:
        raise CalendarError("nobody knows this time zone") from error


def next_cut_off(text: str, after_us: int) -> int:
    """Returns the first cut-off after a moment; both in microseconds since the epoch.

    A cut-off inside the hour that summer time skips happens as far after the skip as it is after its begin; one inside
    the hour that winter time repeats happens once, the first time (PEP 495, fold=0).

    Raises:
        CalendarError: As `parse_calendar`.
    """
    calendar = parse_calendar(text)
    after = _EPOCH + timedelta(microseconds=after_us)
    day = after.astimezone(calendar.zone).date() - timedelta(days=1)
    while True:
        cut_off = datetime.combine(day, calendar.cut_off, calendar.zone)
        if cut_off.astimezone(UTC) > after:
            return (cut_off.astimezone(UTC) - _EPOCH) // _MICROSECOND
        day += timedelta(days=1)


def business_days_later(after_us: int, days: int, zone: ZoneInfo) -> int:
    """Returns the moment with the same time of day that is so many business days after one.

    Args:
        after_us: Microseconds since the epoch.
        days: How many, Monday to Friday.
        zone: Whose days count.
    """
    moment = (_EPOCH + timedelta(microseconds=after_us)).astimezone(zone)
    while days:
        moment += timedelta(days=1)
        days -= moment.weekday() <= _FRIDAY
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def statement_day_later(after_us: int, days: int) -> int:
    """Returns the first moment of the day, in UTC as statements count, that is so many business days after a moment."""
    later_us = business_days_later(after_us, days, ZoneInfo("UTC"))
    return later_us - later_us % DAY_US
