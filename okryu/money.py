"""Whole won: the one place that parses and formats money. Imports nothing of ours.

Amounts are non-negative Python integers of whole won everywhere: in models, forms, messages, files.
The shop writes `1,250원` in Korean and `1,250 won` in English and never the won sign.
"""

import re

LIMIT = 1_000_000_000_000  # 10^12 won: the database refuses more for one movement
_PLAIN = re.compile(r"[0-9]{1,13}|[0-9]{1,3}(?:,[0-9]{3}){1,4}")


def parse_won(text: str) -> int:
    """The whole won written in `text`, like "1250" or "1,250".

    Raises ValueError for anything else: signs, decimals, other scripts' digits, more than LIMIT.
    """
    cleaned = text.strip()
    if not _PLAIN.fullmatch(cleaned):
        raise ValueError("not a whole number of won")
    won = int(cleaned.replace(",", ""))
    if won > LIMIT:
        raise ValueError("more than the largest amount")
    return won


def format_won(won: int, language: str) -> str:
    """`won` with thousands marks and its word: "1,250원" in Korean, "1,250 won" in English."""
    figure = f"{abs(won):,}"
    sign = "−" if won < 0 else ""
    return f"{sign}{figure} won" if language.startswith("en") else f"{sign}{figure}원"
