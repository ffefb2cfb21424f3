"""A bad line to the card network, on purpose: for tests, and for showing what the shop does when calls fail.

`PAYMENT_FAULTS="lost_request=0.1,lost_answer=0.1,duplicate=0.05,late=0.05,garbage=0.01,seed=7"` puts this gateway
before the one `PAYMENT_GATEWAY` names and harms that part of its calls. `PAYMENT_FAULTS=down` answers nothing at
all; `down_while=var/network-down` answers nothing as long as that file exists, in every process. Empty: no faults.

    lost_request   the network never hears it
    lost_answer    it hears and does it, and its answer is lost
    duplicate      it hears it twice
    late           no answer now; the network hears it after one to three more calls of this process
    garbage        it hears and does it, and what comes back makes no sense
    down           this call and all others get no answer for `down_seconds` (10)

A late authorisation keeps its card in memory until then, which nothing else in the shop does: never turn faults on
where real cards are used. Production refuses to start with them unless PAYMENT_FAULTS_IN_PRODUCTION is set too.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from payments.gateway import Answer, Ask, Gateway, NoAnswer, Presented, Verified

logger = logging.getLogger(__name__)
R = TypeVar("R")
KINDS = ("lost_request", "lost_answer", "duplicate", "late", "garbage", "down")
LATEST_CALLS = 3
# A fault by name, "ok", "late:2" for two calls later; or what happens between the network's deed and our hearing of it.
Fault = str | Callable[[], None]


@dataclass(slots=True)
class Weather:
    """How bad the line is, and what it has in store: one per process and setting."""

    rates: dict[str, float]
    down_seconds: float = 10
    down_while: Path | None = None
    random: random.Random = field(default_factory=random.Random)
    script: deque[Fault] = field(default_factory=deque)  # what happens to the next calls, before any chance
    late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)  # calls to wait, call
    down_until: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> Fault:
        with self.lock:
            if time.monotonic() < self.down_until or (self.down_while is not None and self.down_while.exists()):
                return "lost_request"
            fault = self.script.popleft() if self.script else self._by_chance()
            if fault == "down":
                self.down_until = time.monotonic() + self.down_seconds
                return "lost_request"
            return fault

    def _by_chance(self) -> str:
        point = self.random.random()
        for kind, rate in self.rates.items():
            point -= rate
            if point < 0:
                return kind
        return "ok"

    def put_off(self, calls: int, call: Callable[[], object]) -> None:
        with self.lock:
            self.late.append((calls or self.random.randint(1, LATEST_CALLS), call))

    def arrive(self) -> None:
        """One more call is being made: what was put off long enough reaches the network first."""
        with self.lock:
            waiting = [(calls - 1, call) for calls, call in self.late]
            self.late = [(calls, call) for calls, call in waiting if calls > 0]
        for calls, call in waiting:
            if calls <= 0:
                _unheard(call)


def read(text: str) -> Weather:
    """The weather a setting describes. Raises ValueError with words for whoever wrote it."""
    weather = Weather(rates={})
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, value = part.partition("=")
        if name == "seed":
            weather.random.seed(int(value))
        elif name == "down_seconds":
            weather.down_seconds = float(value)
        elif name == "down_while":
            weather.down_while = Path(value)
        elif name in KINDS:
            weather.rates[name] = 1.0 if part == "down" else float(value)
        else:
            raise ValueError(f"{name!r} is none of {', '.join(KINDS)}, seed, down_seconds, down_while")
    if not all(0 <= rate <= 1 for rate in weather.rates.values()) or sum(weather.rates.values()) > 1:
        raise ValueError("rates are parts of 1, and together at most 1")
    return weather


def weather() -> Weather:
    """This process's weather under the present setting."""
    return _weather(settings.PAYMENT_FAULTS)


_weather = cache(read)


def expect(*faults: Fault) -> None:
    """What happens to the next calls of this process, one each; then the setting's rates hold again."""
    now = weather()
    now.script, now.late, now.down_until = deque(faults), [], 0


class FaultyGateway:
    """The gateway `PAYMENT_GATEWAY` names, behind a bad line."""

    def __init__(self) -> None:
        self._inner: Gateway = cast(type, import_string(settings.PAYMENT_GATEWAY))()
        self._weather = weather()
        self.in_process = getattr(self._inner, "in_process", False)

    @sensitive_variables("card")
    def authorise(self, ask: Ask, card: Presented) -> Answer:
        return self._through(lambda: self._inner.authorise(ask, card), _garbled)

    def tell(self, ask: Ask) -> Answer:
        return self._through(lambda: self._inner.tell(ask), _garbled)

    def inquire(self, message_id: UUID) -> Answer | None:
        return self._through(lambda: self._inner.inquire(message_id), _garbled)

    @sensitive_variables("card")
    def verify(self, card: Presented) -> Verified:
        # Without an id the network cannot know a repeat: a wrong PIN heard twice is two tries, so it is never repeated.
        return self._through(lambda: self._inner.verify(card), _garbled_card, repeatable=False)

    def file(self, day: date) -> bytes:
        return self._through(lambda: self._inner.file(day), _garbled_file)

    def _through(self, call: Callable[[], R], garble: Callable[[R, random.Random], R], *, repeatable: bool = True) -> R:
        self._weather.arrive()
        fault = self._weather.next_fault()
        kind, _, calls = ("", "", "") if callable(fault) else fault.partition(":")
        if kind == "late" and repeatable:
            self._weather.put_off(int(calls or 0), call)
        if kind in ("lost_request", "late"):
            raise NoAnswer
        answer = call()
        if callable(fault):
            fault()
        elif kind == "duplicate" and repeatable:
            answer = call()
        elif kind == "lost_answer":
            raise NoAnswer
        elif kind == "garbage":
            answer = garble(answer, self._weather.random)
        return answer


def _unheard(call: Callable[[], object]) -> None:
    """A late question reaches the network; whatever it answers, nobody listens any more."""
    try:
        call()
    except NoAnswer:
        logger.info("a late question got no answer either")


def _garbled(answer: Answer | None, chance: random.Random) -> Answer:
    return cast(Answer, chance.choice(lies_about(answer)))


def _garbled_card(verified: Verified, chance: random.Random) -> Verified:
    return cast(Verified, chance.choice(lies_about_a_card(verified)))


def _garbled_file(content: bytes, chance: random.Random) -> bytes:
    """One bit flipped on the way."""
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def lies_about(answer: Answer | None) -> list[object]:
    """What no network should say in place of `answer`. Each must be taken for no answer."""
    sound = answer or Answer("00")
    return [
        "00",
        b"\x00\xff",
        0,
        Answer(""),
        replace(sound, code=0),  # type: ignore[arg-type]
        replace(sound, code="Z9"),
        replace(sound, code="００"),
        replace(sound, code="00 "),
        replace(sound, about=None),
        replace(sound, about=uuid.uuid4()),
        replace(sound, ref="수" * 8),
        replace(sound, ref="9" * 33),
        replace(sound, code="00", amount=(sound.amount or 0) + 1),
        replace(sound, code="00", amount=None),
    ]


def lies_about_a_card(verified: Verified) -> list[object]:
    some_text: Any = "1234-5678"
    return [
        None,
        "00",
        replace(verified, code="Z9"),
        Verified("00"),
        Verified("00", some_text, "1234"),
        Verified("00", uuid.uuid4(), "１２３４"),
        Verified("55", uuid.uuid4()),
    ]
