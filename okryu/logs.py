"""Log lines: one event, one line, and no card number in it."""

import logging
import re
from contextvars import ContextVar
from datetime import datetime

from okryu.calendar import PYONGYANG

# Names the request that is being answered; lines of one request share it. Empty outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# 13 to 19 digits, alone or in groups: card numbers of this network have 17.
_CARD = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


class OneLineFormatter(logging.Formatter):
    """A record on one line, so that nobody can forge a second one, with its card numbers masked."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, PYONGYANG).isoformat(timespec="milliseconds")
        name = f" [{request_id.get()}]" if request_id.get() else ""
        text = super().format(record)
        return f"{moment} {record.levelname} {record.name}{name} {one_line(mask_cards(text))}"


def one_line(text: str) -> str:
    """`text` with every control character written out: a line feed becomes the two characters \\n."""
    return _CONTROL.sub(_written_out, text)


def mask_cards(text: str) -> str:
    """`text` with everything that may be a card number cut to its last four digits."""
    return _CARD.sub(lambda found: f"…{found.group()[-4:]}", text)


def _written_out(found: re.Match[str]) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return known.get(found.group()) or f"\\u{ord(found.group()):04x}"
