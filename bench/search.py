"""How fast the search answers over the catalogue in DATABASE_URL, and how large its index is.

    python -m bench.search [--json] [--queries 1000]

Queries come from the names that are there: 40 % whole, 20 % begun, 15 % initials, 15 % mistyped, 10 % English. Each is
asked through the engine that the page uses, one connection, every index warm. The index is everything the search
keeps: documents, words, names, with all their indexes and their free space, divided by the number of products.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from bench.clock import Clock, Spent, summary

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")

SEED = 7
MIX = {"whole": 40, "begun": 20, "initials": 15, "mistyped": 15, "english": 10}
TABLES = ("catalog_searchdoc", "catalog_searchterm", "catalog_searchname", "catalog_searchdue", "catalog_searchsynonym")
WARM_UP = 200


def main() -> None:
    import django  # noqa: PLC0415  # the settings have to be named first

    django.setup()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.queries)
    if options.json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    for name, value in figures.items():
        print(f"{name:<28}{value}")


def measure(count: int) -> dict[str, Any]:
    """Search, suggestions (milliseconds, bench/clock.py) and kilobytes of index; by kind of query; the slowest."""
    from catalog.search.engine import search  # noqa: PLC0415  # needs Django set up first
    from catalog.search.suggestions import suggestions  # noqa: PLC0415  # needs Django set up first

    asked = list(queries(count + WARM_UP))
    spent = _timed(search, asked)
    typed = [(kind, query[: random.Random(place).randint(1, 4)]) for place, (kind, query) in enumerate(asked)]
    offered = _timed(suggestions, typed)
    return {
        "search": summary([one for _, _, one in spent]),
        "suggestions": summary([one for _, _, one in offered]),
        "index_kb_a_product": _index_kilobytes(),
        "search_by_kind": {kind: summary([one for of, _, one in spent if of == kind]) for kind in MIX},
        "slowest": [f"{q} {one.processor:.0f} ms" for _, q, one in sorted(spent, key=lambda s: -s[2].processor)[:12]],
        "slowest_suggestions": [
            f"{q} {one.processor:.0f} ms" for _, q, one in sorted(offered, key=lambda s: -s[2].processor)[:8]
        ],
    }


def _timed(call: Callable[[str], Any], asked: list[tuple[str, str]]) -> list[tuple[str, str, Spent]]:
    from catalog.search.asking import TooSlow  # noqa: PLC0415  # needs Django set up first

    clock, times = Clock(), []
    for kind, query in asked:
        clock.begin()
        with contextlib.suppress(TooSlow):  # it took the 300 ms it may take, and counts as that
            call(query)
        times.append((kind, query, clock.end()))
    return times[WARM_UP:]


def queries(count: int) -> Iterator[tuple[str, str]]:
    """(kind, query), seeded: the same catalogue is always asked the same."""
    chance = random.Random(SEED)
    names = _names()
    kinds = list(MIX)
    for _ in range(count):
        kind = chance.choices(kinds, weights=list(MIX.values()))[0]
        korean, english = chance.choice(names)
        yield kind, _query(kind, korean, english, chance)


def _query(kind: str, korean: str, english: str, chance: random.Random) -> str:
    from catalog.search import hangul  # noqa: PLC0415  # needs Django set up first

    words = korean.split()
    some = words[chance.randrange(len(words)) :][: chance.randint(1, 3)]
    text = " ".join(some)
    if kind == "begun":
        return text[: max(2, len(text) * 2 // 3)]
    if kind == "initials":
        letters = "".join(hangul.INITIALS[part.initial] for char in korean if (part := hangul.syllable(char)))
        at = chance.randrange(max(1, len(letters) - 3))
        return letters[at : at + chance.randint(2, 5)]
    if kind == "mistyped":
        return _slip(text if len(text) > 2 else korean, chance)
    return (english or text) if kind == "english" else text


def _slip(text: str, chance: random.Random) -> str:
    """One syllable with another vowel."""
    from catalog.search import hangul  # noqa: PLC0415  # needs Django set up first

    places = [place for place, char in enumerate(text) if hangul.syllable(char)]
    if not places:
        return text
    at = chance.choice(places)
    part = hangul.syllable(text[at])
    return text[:at] + part._replace(vowel=chance.randrange(21)).char + text[at + 1 :] if part else text


def _names() -> list[tuple[str, str]]:
    from django.db import connection  # noqa: PLC0415  # needs Django set up first

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT name_ko_kp, coalesce(name_en, '') FROM catalog_product"
            " WHERE id % (SELECT greatest(1, count(*) / 5000) FROM catalog_product) = 0 ORDER BY 1, 2"
        )
        return list(cursor.fetchall())


def _index_kilobytes() -> float:
    from django.db import connection  # noqa: PLC0415  # needs Django set up first

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)), (SELECT count(*) FROM catalog_product)"
            " FROM unnest(%s::text[]) AS name",
            [list(TABLES)],
        )
        size, products = cursor.fetchone()
    return round(float(size) / max(1, products) / 1024, 3)


if __name__ == "__main__":
    main()
