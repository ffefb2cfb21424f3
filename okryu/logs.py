"""Log lines: one event, one line."""

import logging


class OneLineFormatter(logging.Formatter):
    """A record on one line, so that nobody can forge a second one."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n").replace("\r", "\\r")
