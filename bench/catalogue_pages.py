"""Times list pages of the database the environment names, in this one process: `python -m bench.catalogue_pages`.

The page cache is emptied before each page ("cold"), PostgreSQL is warm. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import random
import sys
from collections.abc import Iterator

import django

from bench.clock import Clock, summary

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "okryu.settings")

SEED = 7
SORTS = ("popular", "cheap", "dear", "unit", "new", "name")


def addresses(seed: int) -> Iterator[str]:
    """Category pages with two filters each: attributes, price, stock, kind, district, seller, in every sort."""
    from bench.catalogue_goods import ATTRIBUTES, ROOTS  # noqa: PLC0415  # imports models

    chance = random.Random(seed)
    while True:
        root = chance.choice(ROOTS)[0]
        shelf = root if chance.random() < 0.5 else f"{root}-{chance.randrange(10)}"
        offers = [
            *(f"a-{slug}=o{chance.randrange(len(choices))}" for slug, _, _, choices in ATTRIBUTES),
            "a-volume=250-500",
            "a-organic=1",
            "stock=1",
            "lowered=1",
            "stars=4",
            f"kind={chance.choice(['shop', 'producer', 'restaurant'])}",
            f"district=district-{chance.randrange(1, 15)}",
            f"min={chance.randrange(100, 500)}&max={chance.randrange(600, 3000)}",
        ]
        sort = "" if chance.random() < 0.5 else f"&sort={chance.choice(SORTS)}"
        yield f"/categories/{shelf}/?{'&'.join(chance.sample(offers, 2))}{sort}"


def measure(requests: int, seed: int) -> dict[str, object]:
    from django.core import signals  # noqa: PLC0415  # needs Django set up first
    from django.core.cache import cache  # noqa: PLC0415  # needs Django set up first
    from django.db import close_old_connections, connection  # noqa: PLC0415  # needs Django set up first
    from django.test import Client  # noqa: PLC0415  # needs Django set up first
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # needs Django set up first

    connection.ensure_connection()
    signals.request_started.disconnect(close_old_connections)  # as the pool does: the connection outlives the request
    signals.request_finished.disconnect(close_old_connections)
    client, source = Client(SERVER_NAME="127.0.0.1"), addresses(seed)
    for _ in range(40):  # templates compiled, connection open, plans known, PostgreSQL warm
        client.get(next(source))
    clock, spent, slowest = Clock(), [], ("", 0.0)
    for _ in range(requests):
        address = next(source)
        cache.clear()
        clock.begin()
        status = client.get(address).status_code
        spent.append(clock.end())
        if status != 200:
            raise SystemExit(f"{address} answered {status}")
        slowest = max(slowest, (address, spent[-1].processor), key=lambda pair: pair[1])
    queries = {}
    pages = (
        "/categories/clothes/?stock=1&a-colour=o1",
        "/sellers/seller-1/",
        "/search/?q=랭면",
        "/search/?q=뜌뛔뿹",
        "/",
        "/sellers/",
    )
    for address in pages:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        queries[address] = len(asked)
    return {**summary(spent), "queries": queries, "slowest": slowest}


def profile(requests: int, seed: int) -> None:
    """Where the process's own time goes."""
    from django.core.cache import cache  # noqa: PLC0415  # needs Django set up first
    from django.test import Client  # noqa: PLC0415  # needs Django set up first

    client, source, watch = Client(SERVER_NAME="127.0.0.1"), addresses(seed), cProfile.Profile()
    for place in range(40 + requests):
        cache.clear()
        address = next(source)
        watch.runcall(client.get, address) if place >= 40 else client.get(address)
    pstats.Stats(watch).sort_stats("tottime").print_stats(35)
    pstats.Stats(watch).sort_stats("cumtime").print_stats(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="print where the time of the process goes instead")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    django.setup()
    if options.profile:
        profile(options.requests, options.seed)
        return
    json.dump(measure(options.requests, options.seed), sys.stdout)


if __name__ == "__main__":
    main()
