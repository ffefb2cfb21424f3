"""From a query to ranked products. Questions are asked from the surest to the most generous, and only while the page
is not full: the whole query, its words in any order, words of descriptions; and when nothing at all was found, the
query without a half-typed end, without particles, cut into known words, and at last corrected.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from catalog.search import hangul, synonyms, vocabulary
from catalog.search.corrections import Mistyped, corrections
from catalog.search.documents import word_key
from catalog.search.facts import Facts, gather
from catalog.search.matching import Group, Hit, Tier, find
from catalog.search.particles import strip_particle
from catalog.search.query import CORRECTED, SYNONYM, normalise, probes, words_of

PAGE = 20
RANKED = 1000  # as far as a list is ranked
SKU_SCORE = 120.0
UNSURE = 40.0  # below this the best hit is a guess, and a nearer word is worth offering
SHORTEST_CUT = {True: 6, False: 4}  # letters of Latin, syllables of Korean
CORRECTED_WORDS = 3  # of one query


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
    near: list[str] = field(default_factory=list)  # words near the query, when it was looked for them
    sellers: list[int] = field(default_factory=list)  # whose names the query means
    steps: list[Step] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [hit.product_id for hit in self.hits]


def search(query: str, *, limit: int = RANKED, without: Collection[str] = ()) -> Found:
    """The products for what was typed, best first, at most `limit`; `without` these synonyms. Raises TooSlow.

    A query that finds something costs two questions to the database, one that has to be corrected six.
    """
    search_for = _Search(normalise(query), limit, without)
    if search_for.text:
        search_for.run()
    return search_for.found


class _Search:
    """One search as it goes: what was found so far and how."""

    def __init__(self, shown: str, limit: int, without: Collection[str]) -> None:
        self.found = Found(query=shown)
        self.words = words_of(shown)
        self.text = " ".join(self.words)
        self.limit = limit
        self._without = without
        self._ids: set[int] = set()
        self._facts = Facts()

    def run(self) -> None:
        self._take(gather(list(dict.fromkeys([self.text, *self.words])), sku=self.found.query))
        self.found.sellers = [*self._facts.sellers.get(self.text, [])]
        for word in self.words:
            self.found.sellers += [pk for pk in self._facts.sellers.get(word, []) if pk not in self.found.sellers]
        if self._facts.skus:
            hits = [Hit(pk, SKU_SCORE) for pk in self._facts.skus]
            self._keep(Step("K", "SKU", [], hits, len(hits), self.found.query))
        self._ask(self._sure())
        if not self.found.hits:
            self._be_generous()
        elif self.found.hits[0].score < UNSURE and not hangul.is_initials(self.text):
            (self.found.near,) = corrections([self._mistyped()])
            self.found.suggestion = self.found.near[0] if self.found.near else ""

    # ---------------------------------------------------------------- sure: as it stands
    def _sure(self) -> list[Tier]:
        words = self.words
        whole = self._group(self.text, typed=self.found.query)
        tiers = []
        if len(words) == 1:
            # Whole words by themselves first: of one that begins ten thousand names no exact one may be overlooked.
            exact = replace(whole, probes=[replace(p, whole_word=True) for p in whole.probes if p.column in "kfe"])
            tiers.append(Tier("A", "the whole query as a word", self.text, [exact], self.limit))
        tiers.append(Tier("A", "the whole query", self.text, [whole], self.limit))
        each = [self._group(word) for word in words] if len(words) > 1 else [Group([])]
        if len(words) > 1:
            tiers.append(Tier("B", "every word, in any order", self.text, each, PAGE))
        if not hangul.is_initials(self.text):
            told = [self._with_descriptions(group, word) for group, word in zip(each, words, strict=True)]
            tiers.append(Tier("W", "words of descriptions, kinds and variants", self.text, told, PAGE))
        return tiers

    def _with_descriptions(self, group: Group, word: str) -> Group:
        meant = [word, *synonyms.rewrites(word, self._facts.pairs)]
        keys = [key for key in dict.fromkeys(word_key(each) for each in meant) if len(key) > 2]
        return Group(group.probes, group.literal, group.sellers, group.categories, keys)

    # ---------------------------------------------------------------- generous: as it may have been meant
    def _be_generous(self) -> None:
        shorter = self.text.rstrip("".join(hangul.LETTER_KEYS)).strip()
        nouns = [strip_particle(word) for word in self.words]
        whole = self.text.replace(" ", "")
        own = [self._group(word) for word in self.words] if len(self.words) > 1 else []
        own = own if all(own) else []
        parts = vocabulary.parts_of(whole) if len(whole) >= SHORTEST_CUT[whole.isascii()] else []
        texts = list(dict.fromkeys(text for text in (shorter, " ".join(nouns), *nouns) if text))
        known = gather(texts, parts=parts, groups=own)
        self._take(known)
        tiers = []
        if shorter and shorter != self.text:
            tiers.append(Tier("J", "without the half-typed end", shorter, [self._group(shorter)], 1))
        if nouns != self.words:
            text = " ".join(nouns)
            tiers.append(Tier("C", "without particles", text, [self._group(text)], 1))
            if len(nouns) > 1:
                each = [self._group(noun) for noun in nouns]
                tiers.append(Tier("C", "every word without its particle", text, each, 1))
        if pieces := vocabulary.cut(whole, known.terms):
            groups = [self._group(piece) for piece in pieces]
            tiers.append(Tier("S", "cut into known words", " ".join(pieces), groups, 1))
        if not hangul.is_initials(self.text):
            tiers += self._corrected(own, known.answered)
        self._ask(tiers)
        self.found.near += sorted(known.terms - set(self.found.near), key=len, reverse=True)[:PAGE]

    def _corrected(self, own: list[Group], answered: set[int]) -> list[Tier]:
        """Each word that nothing answers replaced by its nearest, the rest as they stand; then the whole likewise."""
        wrong = [place for place in range(len(own)) if place not in answered][:CORRECTED_WORDS]
        asked = [self._mistyped(), *(Mistyped(self.words[place]) for place in wrong)]
        self.found.near, *near = corrections(asked)
        self._take(gather(list(dict.fromkeys(term for terms in (self.found.near, *near) for term in terms[:4]))))
        tiers = []
        if any(near):
            groups, shown = list(own), list(self.words)
            for place, terms in zip(wrong, near, strict=True):
                more = [probe for term in terms[:2] for probe in self._group(term, weight=CORRECTED).probes]
                groups[place] = Group([*groups[place].probes, *more], groups[place].literal)
                shown[place] = terms[0] if terms else shown[place]
            tiers.append(Tier("D", "every word, corrected", " ".join(shown), groups, 1))
        for term in self.found.near:
            # Nearer words first, others only to fill the page; none where something surer was found.
            below = PAGE if len(self.words) == 1 and term in self.found.near[:2] else 1
            tiers.append(Tier("D", "corrected", term, [self._group(term, weight=CORRECTED)], below))
        return tiers

    def _mistyped(self) -> Mistyped:
        rewritten = tuple(synonyms.rewrites(self.text, self._facts.pairs))
        return Mistyped(self.text.replace(" ", ""), self.found.query, rewritten)

    # ---------------------------------------------------------------- asking
    def _take(self, facts: Facts) -> None:
        self._facts.pairs |= {south: norths for south, norths in facts.pairs.items() if south not in self._without}
        self._facts.skus += facts.skus
        self._facts.pairs = dict(sorted(self._facts.pairs.items(), key=lambda pair: -len(pair[0])))
        self._facts.sellers |= facts.sellers
        self._facts.categories |= facts.categories

    def _group(self, text: str, *, typed: str = "", weight: float = 1.0) -> Group:
        asked = probes(text, weight=weight, typed=typed)
        for meant in synonyms.rewrites(text, self._facts.pairs):
            asked += probes(meant, weight=weight * SYNONYM, why=f"{meant}, which the shop says instead")
        facts = self._facts
        return Group(asked, text.replace(" ", ""), facts.sellers.get(text, []), facts.categories.get(text, []))

    def _ask(self, tiers: list[Tier]) -> None:
        """Ask them all at once and keep what is new. One with nothing to ask for is not asked."""
        tiers = [tier for tier in tiers if tier.groups and all(tier.groups)]
        rows = find(tiers, self.limit + 1)
        for place, tier in enumerate(tiers):
            hits = [hit for at, hit, _ in rows if at == place]
            answered = next((count for at, _, count in rows if at == place), 0)
            if tier.letter == "D" and hits:
                self.found.found_as = self.found.found_as or tier.text
            self._keep(Step(tier.letter, tier.name, tier.groups, hits, answered, tier.text))
            if tier.letter == "A":  # whole words and the rest are one list
                skus = len(self._facts.skus)
                self.found.hits[skus:] = sorted(self.found.hits[skus:], key=lambda hit: hit.place)

    def _keep(self, step: Step) -> None:
        step.hits = new = [hit for hit in step.hits if hit.product_id not in self._ids]
        self._ids.update(hit.product_id for hit in new)
        self.found.steps.append(step)
        self.found.hits += new
        self.found.is_capped = self.found.is_capped or len(self.found.hits) > self.limit
        del self.found.hits[self.limit :]
