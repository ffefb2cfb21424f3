"""Guesses are counted exactly, also when they arrive at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.guesses import TooManyGuesses, count_guess, forget_guesses
from accounts.models import Guess


def _count(name: str = "1912345678", address: str = "10.0.0.7") -> bool:
    try:
        count_guess(kind="sign-in", name=name, address=address)
    except TooManyGuesses:
        return False
    return True


@pytest.mark.django_db
def test_ten_guesses_at_one_name_and_no_eleventh() -> None:
    assert [_count() for _ in range(12)] == [True] * 10 + [False] * 2


@pytest.mark.django_db
def test_a_refused_guess_does_not_lengthen_the_wait() -> None:
    for _ in range(10):
        _count()
    with pytest.raises(TooManyGuesses) as first:
        count_guess(kind="sign-in", name="1912345678", address="10.0.0.7")
    with pytest.raises(TooManyGuesses) as second:
        count_guess(kind="sign-in", name="1912345678", address="10.0.0.8")
    assert first.value.retry_at == second.value.retry_at
    assert timedelta(minutes=14) < first.value.retry_at - timezone.now() <= timedelta(minutes=15)


@pytest.mark.django_db
def test_the_owner_gets_in_after_the_window() -> None:
    for _ in range(11):
        _count()
    Guess.objects.update(since=timezone.now() - timedelta(minutes=15, seconds=1))
    assert _count()


@pytest.mark.django_db
def test_one_address_tries_a_hundred_names_an_hour_and_no_more() -> None:
    assert all(_count(name=str(number)) for number in range(100))
    assert not _count(name="100")
    assert _count(name="100", address="10.0.0.8"), "the refused guess did not count against the name"


@pytest.mark.django_db
def test_a_right_password_clears_the_name_and_gives_the_address_its_guess_back() -> None:
    for _ in range(9):
        _count()
    assert _count()
    forget_guesses(kind="sign-in", name="1912345678", address="10.0.0.7")
    assert _count()
    assert Guess.objects.get(bucket="address:10.0.0.7").tries == 10


@pytest.mark.django_db
def test_the_name_itself_is_not_stored() -> None:
    _count(name="94081912345678008")
    assert not Guess.objects.filter(bucket__contains="9408").exists()


@pytest.mark.django_db(transaction=True)
def test_a_guess_is_never_counted_inside_a_transaction_that_could_take_it_back() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        count_guess(kind="sign-in", name="1912345678", address="10.0.0.7")


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_are_ten() -> None:
    assert sum(_at_once(20)) == 10


@pytest.mark.django_db(transaction=True)
def test_looking_first_and_counting_then_would_let_more_through() -> None:
    """The negative control: this test can see the hole that the one statement closes."""
    Guess.objects.create(kind="sign-in", bucket="name:x", tries=0, since=timezone.now())
    all_have_looked = Barrier(20)

    def look_then_count() -> bool:
        tries = Guess.objects.get(bucket="name:x").tries
        all_have_looked.wait(timeout=20)
        Guess.objects.filter(bucket="name:x").update(tries=F("tries") + 1)
        return tries < 10

    assert sum(_at_once(20, look_then_count)) == 20


def _at_once(number: int, guess: Callable[[], bool] = _count) -> list[bool]:
    """`number` guesses by as many threads, each on its own connection, let go together."""
    start = Barrier(number)

    def run(_: int) -> bool:
        try:
            start.wait(timeout=20)
            return guess()
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))
