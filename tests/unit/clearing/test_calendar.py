"""Cut-offs: forward only, in the merchant's own midnight, whatever the clocks of its zone do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.clearing.calendar import CalendarError, next_cut_off, parse_calendar, statement_day_later

HOUR_US = 3_600_000_000


def us(text):
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("calendar", "after", "cut_off"),
    [
        ("Asia/Shanghai@00:00", "2026-05-01T10:00:00+08:00", "2026-05-02T00:00:00+08:00"),
        ("Asia/Shanghai@00:00", "2026-05-02T00:00:00+08:00", "2026-05-03T00:00:00+08:00"),
        ("Asia/Shanghai@23:00", "2026-05-01T10:00:00+08:00", "2026-05-01T23:00:00+08:00"),
        ("Europe/Berlin@02:30", "2026-03-29T00:00:00+01:00", "2026-03-29T03:30:00+02:00"),  # 02:30 does not exist
        ("Europe/Berlin@02:30", "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00"),  # 02:30 comes twice
        ("Europe/Berlin@02:30", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("Pacific/Kiritimati@00:00", "2026-05-01T09:59:59+00:00", "2026-05-01T10:00:00+00:00"),
        ("Pacific/Pago_Pago@23:59", "2026-05-01T00:00:00+00:00", "2026-05-01T10:59:00+00:00"),
    ],
)
def test_the_next_cut_off_is_the_merchants_own(calendar, after, cut_off):
    assert next_cut_off(calendar, us(after)) == us(cut_off)


@given(
    st.sampled_from(["Asia/Shanghai@00:00", "Europe/Berlin@02:30", "America/St_Johns@00:01", "Pacific/Apia@12:00"]),
    st.integers(us("2009-01-01T00:00:00+00:00"), us("2050-01-01T00:00:00+00:00")),
)
def test_cut_offs_only_move_forward_and_are_about_a_day_apart(calendar, after):
    first = next_cut_off(calendar, after)
    second = next_cut_off(calendar, first)
    assert after < first < second
    assert first - after <= 49 * HOUR_US
    assert 20 * HOUR_US <= second - first <= 49 * HOUR_US
    zone = ZoneInfo(calendar.partition("@")[0])
    assert datetime.fromtimestamp(first / 1e6, UTC).astimezone(zone).second == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Asia/Shanghai",
        "Asia/Shanghai@24:00",
        "Asia/Shanghai@0:00",
        "Nowhere/Else@00:00",
        "../etc/x@00:00",
        "Asia@00:00",
    ],
)
def test_other_texts_are_no_calendars(text):
    with pytest.raises(CalendarError):
        parse_calendar(text)


@pytest.mark.parametrize(
    ("after", "days", "first"),
    [
        ("2026-05-04T10:00", 2, "2026-05-06"),  # a Monday
        ("2026-05-07T23:59", 2, "2026-05-11"),  # a Thursday
        ("2026-05-08T00:00", 2, "2026-05-12"),  # a Friday
        ("2026-05-09T12:00", 2, "2026-05-12"),  # a Saturday
        ("2026-05-10T12:00", 1, "2026-05-11"),  # a Sunday
    ],
)
def test_a_business_day_is_no_day_of_a_weekend_and_counts_from_its_first_moment(after, days, first):
    def moment(told):
        return int(datetime.fromisoformat(f"{told}+00:00").timestamp()) * 1_000_000

    assert statement_day_later(moment(after), days) == moment(f"{first}T00:00")
