"""What is over is deleted every night."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from accounts import guesses
from accounts.models import Guess
from accounts.tasks import sweep_accounts
from okryu.figures.models import DailyFigures, DailySalt
from okryu.figures.tasks import close_figures

pytestmark = pytest.mark.django_db


def test_old_counters_and_sessions_go_and_living_ones_stay() -> None:
    now = timezone.now()
    for hours in (0, 30):
        Guess.objects.create(kind="sign-in", bucket=f"name:{hours}", tries=3, since=now - timedelta(hours=hours))
        Session.objects.create(session_key=f"k{hours}", session_data="", expire_date=now + timedelta(hours=1 - hours))
    for _ in range(2):
        sweep_accounts(0)
    assert Guess.objects.get().bucket == "name:0"
    assert Session.objects.get().session_key == "k0"


def test_a_counter_that_still_holds_is_never_swept() -> None:
    Guess.objects.create(kind="sign-in", bucket="name:x", tries=10, since=timezone.now() - timedelta(minutes=5))
    assert guesses.sweep(before=timezone.now()) == 0


def test_the_command_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    Guess.objects.create(kind="sign-in", bucket="name:x", tries=1, since=timezone.now() - timedelta(days=2))
    call_command("sweep_guesses")
    assert capsys.readouterr().out == "Counters deleted: 1\n"


def test_the_nightly_job_closes_yesterday() -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    DailySalt.objects.create(day=yesterday, salt=b"x" * 32)
    close_figures(0)
    assert DailyFigures.objects.get().day == yesterday
