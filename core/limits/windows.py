"""Windows of time, as arithmetic on Unix milliseconds: where a calendar window starts and resets, how long a rolling one is.

A start is inside its window and the next start is not. Everything calendar is UTC, weeks start on Monday, a rolling month has
30 days. A window is known by its name (`daily`) or, where it rolls, by its length in milliseconds: 60 seconds and one minute
are one window, and count once.
"""

from __future__ import annotations

from datetime import date
from typing import Final, TypeAlias

from core.fields import CalendarWindow, RollingWindow

Window: TypeAlias = CalendarWindow | int

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MONDAY: Final = 3  # the epoch was a Thursday: three days after a Monday
_UNIT_MS: Final = {
    "seconds": 1_000,
    "minutes": 60_000,
    "hours": HOUR_MS,
    "days": DAY_MS,
    "weeks": 7 * DAY_MS,
    "months": 30 * DAY_MS,
}


def window_of(written: CalendarWindow | RollingWindow) -> Window:
    """The window that a rule names."""
    return written.rolling * _UNIT_MS[written.unit] if isinstance(written, RollingWindow) else written


def calendar_bounds(window: CalendarWindow, now_ms: int) -> tuple[int, int]:
    """The start of the calendar window that holds an instant, and its reset: the start of the next one."""
    if window == "hourly":
        start = now_ms - now_ms % HOUR_MS
        return start, start + HOUR_MS
    day = now_ms // DAY_MS
    if window == "daily":
        return day * DAY_MS, (day + 1) * DAY_MS
    if window == "weekly":
        monday = day - (day + _MONDAY) % 7
        return monday * DAY_MS, (monday + 7) * DAY_MS
    today = date.fromordinal(_EPOCH + day)
    if window == "monthly":
        later = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        return _midnight(today.replace(day=1)), _midnight(later)
    return _midnight(date(today.year, 1, 1)), _midnight(date(today.year + 1, 1, 1))


def start_ms(window: Window, now_ms: int) -> int:
    """The first instant of the window at `now_ms`."""
    return now_ms - window if isinstance(window, int) else calendar_bounds(window, now_ms)[0]


def reset_ms(window: Window, now_ms: int) -> int | None:
    """When the window is empty again; None for one that rolls, which never is all at once."""
    return None if isinstance(window, int) else calendar_bounds(window, now_ms)[1]


def window_name(window: Window) -> str:
    """A window in words: `daily`, `2-hour`."""
    if not isinstance(window, int):
        return window
    for unit in ("days", "hours", "minutes", "seconds"):
        count, rest = divmod(window, _UNIT_MS[unit])
        if not rest:
            return f"{count}-{unit[:-1]}"
    return f"{window}-millisecond"


def _midnight(day: date) -> int:
    return (day.toordinal() - _EPOCH) * DAY_MS
