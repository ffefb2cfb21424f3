"""Why a query finds what it finds, in words: the questions that were asked and how each hit answered."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.models import Product, SearchDoc
from catalog.search import hangul
from catalog.search.engine import Found, Step
from catalog.search.matching import CATEGORY, DESCRIPTION, LITERAL_BONUS, SELLER, Group, fits, grades


def explain(found: Found, *, shown: int = 10) -> Iterator[str]:
    yield f"query        {found.query!r}"
    if hangul.has_hangul(found.query):
        yield f"keystrokes   {hangul.key(found.query)}, folded {hangul.key(hangul.fold(found.query))}"
    if not found.steps:
        yield "nothing to ask for: no letter and no digit in it"
    for step in found.steps:
        yield from _step(step)
    if found.found_as:
        yield f"found as     {found.found_as!r}"
    if found.suggestion:
        yield f"did you mean {found.suggestion!r}"
    yield f"ranked       {len(found.hits)}{' and more' if found.is_capped else ''}"
    yield from _hits(found, shown)


def _step(step: Step) -> Iterator[str]:
    yield f"tier {step.tier}       {step.name}: {step.text!r} → {step.answered} answer, {len(step.hits)} new"
    for group in step.groups:
        for probe in group.probes:
            yield f"             {probe.column} {probe.needle!r} × {probe.weight:.2f}  {probe.why}"
        if group.sellers or group.categories:
            yield f"             sellers {group.sellers}, categories {group.categories}"
        if group.words:
            yield f"             words {group.words}"


def _hits(found: Found, shown: int) -> Iterator[str]:
    ids = found.ids[:shown]
    docs = SearchDoc.objects.in_bulk(ids)
    called = dict(Product.objects.filter(pk__in=ids).values_list("pk", "name_ko_kp"))
    steps = {hit.product_id: step for step in found.steps for hit in step.hits}
    for place, hit in enumerate(found.hits[:shown], 1):
        doc = docs[hit.product_id]
        stock = "" if doc.in_stock else ", sold out: last"
        step = steps[hit.product_id]
        yield f"{place:>3}. {hit.score:6.2f} {called[hit.product_id]} (tier {step.tier}, sold {doc.pop}{stock})"
        for group in step.groups:
            yield f"             {_reason(group, doc)}"


def _reason(group: Group, doc: SearchDoc) -> str:
    """The best answer of this document to the group, as the database scored it."""
    reasons: list[tuple[float, str]] = [(0.0, "nothing: another word of the query carries it")]
    for probe in group.probes:
        text = getattr(doc, probe.column)
        best = next(((points, name) for pattern, points, name in grades(probe) if fits(text, pattern)), None)
        if best:
            points = best[0] * probe.weight
            why = f"{best[0]} ({best[1]}) × {probe.weight:.2f} ({probe.why}: {probe.needle})"
            reasons.append((points, f"{points:.1f} = {why}"))
    if doc.seller_id in group.sellers:
        reasons.append((SELLER, f"{SELLER:.0f}: the seller's name"))
    if doc.category_id in group.categories:
        reasons.append((CATEGORY, f"{CATEGORY:.0f}: the category's name"))
    if set(group.words) & set(doc.d):
        reasons.append((DESCRIPTION, f"{DESCRIPTION:.0f}: a word of the description, the kind or a variant"))
    literal = f"; + {LITERAL_BONUS} the very letters" if group.literal and group.literal in doc.n else ""
    return max(reasons)[1] + literal
