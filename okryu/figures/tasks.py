"""Jobs of the figures."""

from django.utils import timezone
from procrastinate.contrib.django import app

from okryu.calendar import local_day
from okryu.figures.closing import close_days


# The worker reads this as UTC: 00:05 in Pyongyang.
@app.periodic(cron="5 15 * * *")
@app.task(queueing_lock="close_figures", pass_context=False)
def close_figures(timestamp: int) -> None:
    """Forget yesterday's visitors and keep their number. Also `manage.py close_figures`."""
    close_days(before=local_day(timezone.now()))
