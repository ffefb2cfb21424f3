"""From a query to ranked products. Questions are asked from the surest to the most generous, and only while the page
is not full: the whole query, its words in any order, words of descriptions; and when nothing at all was found, the
query without a half-typed end, without particles, cut into known words, and at last corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from catalog.search import hangul, names, sku, synonyms, vocabulary
from catalog.search.corrections import corrections
from catalog.search.documents import word_key
from catalog.search.matching import Group, Hit, exists, find
from catalog.search.particles import strip_particle
from catalog.search.query import CORRECTED, SYNONYM, WORDS_LIMIT, Probe, normalise, probes, words_of

PAGE = 20
RANKED = 1000  # as far as a list is ranked and counted exactly
TIMEOUT_MS = 300
SKU_SCORE = 120.0
UNSURE = 40.0  # below this the best hit is a guess, and a nearer word is worth offering
SHORTEST_CUT = {True: 6, False: 4}  # letters of Latin, syllables of Korean


class TooSlow(Exception):
    """The database was given 300 ms and did not answer."""


@dataclass
class Step:
    """One question that was asked: for people who want to know why."""

    tier: str
    name: str
    groups: list[Group]
    hits: list[Hit]
    answered: int
    text: str


@dataclass
class Found:
    query: str
    hits: list[Hit] = field(default_factory=list)
    is_capped: bool = False  # more answered than are ranked
    found_as: str = ""  # the words the results are for, when not the query's own
    suggestion: str = ""  # a word that may have been meant, when the results are unsure
    steps: list[Step] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [hit.product_id for hit in self.hits]

    @property
    def tiers(self) -> str:
        return "".join(step.tier for step in self.steps)


def search(query: str, *, limit: int = RANKED) -> Found:
    """The products for what was typed, best first, at most `limit`. Raises TooSlow."""
    shown = normalise(query)
    search_for = _Search(shown, limit)
    if not search_for.text:
        return search_for.found
    with hurried():
        search_for.run()
    return search_for.found


@contextmanager
def hurried() -> Iterator[None]:
    """One transaction in which the indexes are used and nothing takes longer than it may."""
    nested = connection.in_atomic_block
    wanted = {"statement_timeout": f"{TIMEOUT_MS}ms", "enable_seqscan": "off", "max_parallel_workers_per_gather": "0"}
    before: dict[str, str] = {}
    try:
        with transaction.atomic():
            before = _configure(wanted)
            yield
            if nested:  # an outer transaction goes on as it was
                _configure(before)
    except OperationalError as late:
        if isinstance(late.__cause__, QueryCanceled):
            raise TooSlow from late
        raise


def _configure(values: dict[str, str]) -> dict[str, str]:
    """Set these for the transaction; what they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(['current_setting(%s)'] * len(values))}, "
            f"{', '.join(['set_config(%s, %s, true)'] * len(values))}",
            [*values, *(part for pair in values.items() for part in pair)],
        )
        row = cursor.fetchone() or ()
    return dict(zip(values, row, strict=False))


class _Search:
    """One search as it goes: what was found so far and how."""

    def __init__(self, shown: str, limit: int) -> None:
        self.found = Found(query=shown)
        self.text = " ".join(words_of(shown))
        self.typed = shown
        self.limit = limit
        self._ids: set[int] = set()
        self._pairs: dict[str, list[str]] = {}

    def run(self) -> None:
        self._pairs = synonyms.known(self.text)
        words = self.text.split()
        self._sku()
        self._whole(self.text, typed=self.typed)
        if self._has_room and len(words) > 1:
            self._words(words)
        if self._has_room and not hangul.is_initials(self.text):
            self._descriptions(words)
        for more in (self._without_half_typed, self._without_particles, self._cut, self._corrected):
            if self.found.hits:
                break
            more(words)
        if self.found.hits and not self.found.found_as and self.found.hits[0].score < UNSURE:
            self._suggest()

    @property
    def _has_room(self) -> bool:
        return len(self.found.hits) < min(PAGE, self.limit)

    # ---------------------------------------------------------------- the questions, in their order
    def _sku(self) -> None:
        ids = sku.products(self.found.query)
        if ids:
            self._keep(Step("K", "SKU", [], [Hit(pk, SKU_SCORE) for pk in ids], len(ids), self.found.query))

    def _whole(self, text: str, *, typed: str = "") -> None:
        self._ask("A", "the whole query", [self._group(text, typed=typed)], text)

    def _words(self, words: list[str], *, tier: str = "B", name: str = "every word, in any order") -> None:
        self._ask(tier, name, [self._group(word) for word in words], " ".join(words))

    def _descriptions(self, words: list[str]) -> None:
        groups = [self._group(word) for word in words] if len(words) > 1 else [Group([])]
        for group, word in zip(groups, words, strict=True):
            meant = [word, *synonyms.rewrites(word, self._pairs)]
            group.words = [key for key in dict.fromkeys(word_key(each) for each in meant) if len(key) > 2]
        self._ask("W", "words of descriptions, kinds and variants", groups, " ".join(words))

    def _without_half_typed(self, words: list[str]) -> None:
        shorter = self.text.rstrip("".join(hangul.LETTER_KEYS)).strip()
        if shorter and shorter != self.text:
            self._whole(shorter)

    def _without_particles(self, words: list[str]) -> None:
        nouns = [strip_particle(word) for word in words]
        if nouns != words:
            self._ask("C", "without particles", [self._group(" ".join(nouns))], " ".join(nouns))
            if len(nouns) > 1 and self._has_room:
                self._words(nouns, tier="C", name="every word without its particle")

    def _cut(self, words: list[str]) -> None:
        whole = self.text.replace(" ", "")
        if len(whole) >= SHORTEST_CUT[whole.isascii()] and (parts := vocabulary.segment(whole)):
            self._words(parts, tier="S", name="cut into known words")

    def _corrected(self, words: list[str]) -> None:
        if hangul.is_initials(self.text):
            return
        if len(words) > 1:
            self._corrected_words(words)
        if not self.found.hits:
            rewritten = tuple(synonyms.rewrites(self.text, self._pairs))
            for term in corrections(self.text, typed=self.typed, rewritten=rewritten):
                if self._ask("D", "corrected", [self._group(term, weight=CORRECTED)], term):
                    self.found.found_as = self.found.found_as or term
                if not self._has_room:
                    break

    def _corrected_words(self, words: list[str]) -> None:
        """Each word that nothing answers is replaced by its nearest; the rest stand as they are."""
        groups, shown = [], []
        for word in words:
            group = self._group(word)
            if group and not exists(group) and (near := corrections(word)):
                for term in near[:3]:
                    group.probes += self._group(term, weight=CORRECTED).probes
                word = near[0]  # noqa: PLW2901
            groups.append(group)
            shown.append(word)
        if shown != words and self._ask("D", "every word, corrected", groups, " ".join(shown)):
            self.found.found_as = " ".join(shown)

    def _suggest(self) -> None:
        near = corrections(self.text, typed=self.typed) if not hangul.is_initials(self.text) else []
        self.found.suggestion = near[0] if near else ""

    # ---------------------------------------------------------------- asking
    def _group(self, text: str, *, typed: str = "", weight: float = 1.0) -> Group:
        asked: list[Probe] = probes(text, weight=weight, typed=typed)
        pairs = synonyms.known(text) if weight < 1 else self._pairs
        for meant in synonyms.rewrites(text, pairs):
            asked += probes(meant, weight=weight * SYNONYM, why=f"{meant}, which the shop says instead")
        sellers, categories = names.matching(asked)
        return Group(asked, literal=text.replace(" ", ""), sellers=sellers, categories=categories)

    def _ask(self, tier: str, name: str, groups: list[Group], text: str) -> int:
        """Ask, keep what is new; how many answered. A question with nothing to ask for is not asked."""
        groups = groups[:WORDS_LIMIT]
        if not all(groups):
            return 0
        hits, answered = find(groups, self.limit + 1)
        self._keep(Step(tier, name, groups, hits, answered, text))
        return answered

    def _keep(self, step: Step) -> None:
        step.hits = new = [hit for hit in step.hits if hit.product_id not in self._ids]
        self._ids.update(hit.product_id for hit in new)
        self.found.steps.append(step)
        self.found.hits += new
        self.found.is_capped = self.found.is_capped or len(self.found.hits) > self.limit
        del self.found.hits[self.limit :]
