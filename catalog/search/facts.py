"""What has to be known before anything is asked for: synonyms in the query, sellers and categories that its words
mean, SKUs that begin so. One question, whatever the number of words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.search import synonyms
from catalog.search.asking import ask
from catalog.search.query import probes

_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,39}")
SKUS = 20
PLACES = 40


@dataclass
class Facts:
    pairs: dict[str, list[str]] = field(default_factory=dict)  # synonyms, longest first
    sellers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by the text that means them
    categories: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    skus: list[int] = field(default_factory=list)  # products
    terms: set[str] = field(default_factory=set)  # of the parts that were asked about, the words of the shop
    sold: set[str] = field(default_factory=set)  # those of them that some product has


def gather(texts: Sequence[str], *, sku: str = "", parts: Sequence[str] = ()) -> Facts:
    """The facts about these texts, and which of `parts` are words of the shop."""
    if not (texts or parts or sku):
        return Facts()
    statements: list[str] = []
    args: list[Any] = []
    named, named_args = naming(texts)
    args += named_args
    statements.append("(SELECT 'pair', south, north FROM catalog_searchsynonym"
                      " WHERE south = ANY(%s) AND is_approved ORDER BY id)")  # fmt: skip
    args.append(sorted({part for text in texts for part in synonyms.parts_of(text)}))
    if named:
        statements.append("SELECT 'seller', g::text, ref::text FROM named WHERE kind = 's'")
        statements.append("SELECT 'category', g::text, id::text FROM inside")
    if _SKU.fullmatch(sku):
        statements.append(
            "(SELECT 'sku', v.product_id::text, '' FROM catalog_productvariant v JOIN catalog_searchdoc d"
            " ON d.product_id = v.product_id AND d.visible WHERE v.is_active AND (v.sku LIKE %s OR v.sku LIKE %s"
            f" OR v.sku LIKE %s) ORDER BY length(v.sku), v.sku LIMIT {SKUS})"
        )
        args += [f"{form.replace('_', chr(92) + '_')}%" for form in (sku, sku.upper(), sku.lower())]
    if parts:
        statements.append(
            "SELECT 'term', term, df::text FROM catalog_searchterm WHERE term = ANY(%s) AND kind IN ('k', 'e')"
        )
        args.append(list(parts))
    head = f"WITH RECURSIVE {named} " if named else ""
    return _collected(texts, ask(head + " UNION ALL ".join(statements), args))


def naming(texts: Sequence[str]) -> tuple[str, list[Any]]:
    """Sellers and categories (with all that stands inside them) one of whose words begins as a text does: the tables
    `named` and `inside` for WITH RECURSIVE, "" where no text is long enough."""
    tests, args = [], []
    for place, text in enumerate(texts):
        asked = [(probe.column, f"% {probe.needle}%") for probe in probes(text) if len(probe.needle) > 2]
        if asked:
            begins = " OR ".join(f"{column} LIKE %s" for column, _ in asked)
            tests.append(f"(SELECT {place} AS g, kind, ref FROM catalog_searchname WHERE {begins} LIMIT {PLACES})")
            args += [pattern for _, pattern in asked]
    if not tests:
        return "", []
    return (
        f"""named AS MATERIALIZED (
            {" UNION ALL ".join(tests)}
        ), inside AS (
            SELECT g, ref AS id FROM named WHERE kind = 'c'
            UNION SELECT inside.g, c.id FROM catalog_category c JOIN inside ON c.parent_id = inside.id
        )""",
        args,
    )


def _collected(texts: Sequence[str], rows: list[tuple[Any, ...]]) -> Facts:
    facts = Facts()
    pairs: dict[str, list[str]] = defaultdict(list)
    for what, one, other in rows:
        if what == "pair":
            pairs[one].append(other)
        elif what == "seller":
            facts.sellers[texts[int(one)]].append(int(other))
        elif what == "category":
            facts.categories[texts[int(one)]].append(int(other))
        elif what == "sku":
            facts.skus.append(int(one))
        else:
            facts.terms.add(one)
            if other != "0":
                facts.sold.add(one)
    facts.skus = list(dict.fromkeys(facts.skus))
    facts.pairs = dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))
    return facts
