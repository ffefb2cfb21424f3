"""How many pieces: reading what people type."""

import re

_SHAPE = re.compile(r"[0-9]{1,3}")
# Keyboards of this country type full-width figures; only these are folded. NFKC would also make 2 of ².
_FULL_WIDTH = str.maketrans("０１２３４５６７８９\u3000", "0123456789 ")
_LONGEST = 20


def parse_quantity(text: str) -> int:
    """The number in `text`: one to three digits 0–9, full-width ones too, blanks around. ValueError otherwise."""
    cleaned = text.translate(_FULL_WIDTH).strip() if len(text) <= _LONGEST else ""
    if not _SHAPE.fullmatch(cleaned):
        raise ValueError("not a number of pieces")
    return int(cleaned)
