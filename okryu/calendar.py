"""The country's days: Asia/Pyongyang, working days. Imports nothing of ours."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PYONGYANG = ZoneInfo("Asia/Pyongyang")
SUNDAY = 6


def local_day(moment: datetime) -> date:
    """The country's calendar day at `moment` (an aware datetime)."""
    return moment.astimezone(PYONGYANG).date()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """The aware moment when the country's clocks show `hour`:`minute` on `day`; hour 24 is the next midnight."""
    if hour == 24:
        day, hour = day + timedelta(days=1), 0
    return datetime.combine(day, time(hour, minute), PYONGYANG)


def is_working_day(day: date) -> bool:
    """Monday to Saturday. Holidays are rows the bureau keeps: orders/workdays.py."""
    return day.weekday() != SUNDAY
