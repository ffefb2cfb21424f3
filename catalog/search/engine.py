"""From a query to ranked products. Questions are asked from the surest to the most generous, and only while the page
is not full: the whole query, its words in any order, words of descriptions; and when nothing at all was found, the
query without a half-typed end, without particles, cut into known words, and at last corrected.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from catalog.search import corrections, hangul, synonyms, vocabulary
from catalog.search.corrections import Mistyped
from catalog.search.documents import word_key
from catalog.search.facts import Facts, gather
from catalog.search.matching import Aside, Group, Hit, Tier, Told, any_of, find, none_of
from catalog.search.particles import strip_particle
from catalog.search.query import CORRECTED, SYNONYM, normalise, probes, words_of

PAGE = 20
RANKED = 1000  # as far as a list is ranked
SKU_SCORE = 120.0
UNSURE = 40.0  # below this the best hit is a guess, and a nearer word is worth offering
SHORTEST_CUT = {True: 6, False: 4}  # letters of Latin, syllables of Korean
CORRECTED_WORDS = 3  # of one query
NEAR = 8  # words offered where nothing is found


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
    near: list[str] = field(default_factory=list)  # the shop's words near the query, where nothing surer was found
    sellers: list[int] = field(default_factory=list)  # whose names the query means
    steps: list[Step] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [hit.product_id for hit in self.hits]


def search(query: str, *, limit: int = RANKED, without: Collection[str] = ()) -> Found:
    """The products for what was typed, best first, at most `limit`; `without` these synonyms. Raises TooSlow.

    A query that finds something costs two questions to the database, one that does not, or has to be corrected, three.
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
        self._take(gather(self._texts(), sku=self.found.query, parts=self._parts()))
        self.found.sellers = [*self._facts.sellers.get(self.text, [])]
        for word in self.words:
            self.found.sellers += [pk for pk in self._facts.sellers.get(word, []) if pk not in self.found.sellers]
        if self._facts.skus:
            hits = [Hit(pk, SKU_SCORE) for pk in self._facts.skus]
            self._keep(Step("K", "SKU", [], hits, len(hits), self.found.query))
        each = [self._group(word) for word in self.words] if len(self.words) > 1 else []
        tiers = [tier for tier in self._sure(each) if _can_be_asked(tier)]
        asked = [] if hangul.is_initials(self.text) else [self._mistyped(), *(Mistyped(word) for word in self.words)]
        told = self._ask(tiers, self._near(asked, each, len(tiers)))
        near = corrections.ranked(asked, told)
        if not self.found.hits:
            self._be_generous(each, near, told)
        elif near and self.found.hits[0].score < UNSURE:
            self.found.near = near[0]
            self.found.suggestion = near[0][0] if near[0] else ""

    # ---------------------------------------------------------------- what the query's parts may be
    @property
    def _shorter(self) -> str:
        """Without a half-typed end."""
        return self.text.rstrip("".join(hangul.LETTER_KEYS)).strip()

    @property
    def _nouns(self) -> list[str]:
        return [strip_particle(word) for word in self.words]

    def _texts(self) -> list[str]:
        nouns = self._nouns
        texts = [self.text, *self.words, self._shorter, " ".join(nouns), *nouns]
        return list(dict.fromkeys(text for text in texts if text))

    def _parts(self) -> list[str]:
        """Words it could be cut into, where it is long enough to be more than one."""
        whole = self.text.replace(" ", "")
        parts = vocabulary.parts_of(whole) if len(whole) >= SHORTEST_CUT[whole.isascii()] else []
        return list(dict.fromkeys([*parts, *(word for word in self.words if len(self.words) > 1)]))

    # ---------------------------------------------------------------- sure: as it stands
    def _sure(self, each: list[Group]) -> list[Tier]:
        words = self.words
        whole = self._group(self.text, typed=self.found.query)
        tiers = []
        if len(words) == 1:
            # Whole words by themselves first: of one that begins ten thousand names no exact one may be overlooked.
            exact = replace(whole, probes=[replace(p, whole_word=True) for p in whole.probes if p.column in "kfe"])
            tiers.append(Tier("A", "the whole query as a word", self.text, [exact], self.limit))
        tiers.append(Tier("A", "the whole query", self.text, [whole], self.limit))
        is_initials = hangul.is_initials(self.text)
        if each:
            # Descriptions in the same question: the index is read for each word once, and names score higher anyway.
            pairs = zip(each, words, strict=True)
            told = each if is_initials else [self._with_descriptions(group, word) for group, word in pairs]
            tiers.append(Tier("B", "every word, in any order, of descriptions too", self.text, told, PAGE))
        elif not is_initials:
            told = [self._with_descriptions(Group([]), self.text)]
            tiers.append(Tier("W", "words of descriptions, kinds and variants", self.text, told, PAGE))
        return tiers

    def _with_descriptions(self, group: Group, word: str) -> Group:
        meant = [word, *synonyms.rewrites(word, self._facts.pairs)]
        keys = [key for key in dict.fromkeys(word_key(each) for each in meant) if len(key) > 2]
        return Group(group.probes, group.literal, group.sellers, group.categories, keys)

    def _near(self, asked: list[Mistyped], each: list[Group], tiers: int) -> Aside:
        """Words near the query, where no tier is sure of itself; near the first of its words that nothing answers,
        where no tier found anything."""
        if self._facts.skus or not asked:
            return Aside()
        whole, args = none_of(tiers, above=UNSURE), []
        wrong: list[str] = []
        for place, group in enumerate(each if all(each) else []):
            if self.words[place] in self._facts.sold:  # some product has it: the documents need not be asked
                wrong.append(f"WHEN {place} THEN false")
                continue
            condition, group_args = any_of(group)
            wrong.append(f"WHEN {place} THEN NOT EXISTS (SELECT FROM catalog_searchdoc WHERE visible AND {condition})")
            args += group_args
        when = [f"(SELECT nth FROM wrong WHERE place = {n}) <= {CORRECTED_WORDS}" for n in range(len(wrong))]
        aside = corrections.looking_for(asked[: len(wrong) + 1], [whole, *when])
        if wrong:
            words = f"generate_series(0, {len(wrong) - 1}) AS place"
            test = f"{none_of(tiers)} AND CASE place {' '.join(wrong)} END"
            numbered = f"SELECT place, row_number() OVER (ORDER BY place) AS nth FROM {words} WHERE {test}"
            aside.before.insert(0, f"wrong AS MATERIALIZED ({numbered})")
            aside.selects.append("SELECT 'wrong', place, '', '', 0 FROM wrong")
            aside.args[:0] = args
        return aside

    # ---------------------------------------------------------------- generous: as it may have been meant
    def _be_generous(self, each: list[Group], near: list[list[str]], told: list[Told]) -> None:
        for _, _, south, north, _ in sorted(pair for pair in told if pair[0] == "pair"):
            self._facts.pairs.setdefault(south, []).append(north)
        nouns, shorter, tiers = self._nouns, self._shorter, []
        if shorter and shorter != self.text:
            tiers.append(Tier("J", "without the half-typed end", shorter, [self._group(shorter)], 1))
        if nouns != self.words:
            text = " ".join(nouns)
            tiers.append(Tier("C", "without particles", text, [self._group(text)], 1))
            if len(nouns) > 1:
                groups = [self._group(noun) for noun in nouns]
                tiers.append(Tier("C", "every word without its particle", text, groups, 1))
        if pieces := vocabulary.cut(self.text.replace(" ", ""), self._facts.terms):
            groups = [self._group(piece) for piece in pieces]
            tiers.append(Tier("S", "cut into known words", " ".join(pieces), groups, 1))
        if near:
            wrong = sorted(place for what, place, *_ in told if what == "wrong")[:CORRECTED_WORDS]
            tiers += self._corrected(each, near[0], {place: near[place + 1] for place in wrong})
        tiers = [tier for tier in tiers if _can_be_asked(tier)]
        begun = self._ask(tiers, self._begun(len(tiers)))
        words = [*(near[0] if near else []), *sorted(self._facts.terms, key=len, reverse=True)[:PAGE]]
        self.found.near = list(dict.fromkeys([*words, *(term for what, _, term, *_ in begun if what == "begun")]))[
            :NEAR
        ]

    def _corrected(self, each: list[Group], near: list[str], wrong: dict[int, list[str]]) -> list[Tier]:
        """Each word that nothing answers replaced by its nearest, the rest as they stand; then the whole likewise."""
        tiers = []
        if any(wrong.values()):
            groups, shown = list(each), list(self.words)
            for place, terms in wrong.items():
                meant = [self._meant(term) for term in terms[:2]]
                groups[place] = Group(
                    [*groups[place].probes, *(probe for group in meant for probe in group.probes)],
                    groups[place].literal,
                    groups[place].sellers,
                    groups[place].categories,
                    names=terms[:2],
                )
                shown[place] = terms[0] if terms else shown[place]
            tiers.append(Tier("D", "every word, corrected", " ".join(shown), groups, 1))
        for term in near:
            # Nearer words first, others only to fill the page; none where something surer was found.
            below = PAGE if len(self.words) == 1 and term in near[:2] else 1
            tiers.append(Tier("D", "corrected", term, [self._meant(term)], below))
        return tiers

    def _begun(self, tiers: int) -> Aside:
        """Words that begin as the query does, where no tier finds anything."""
        whole = self.text.replace(" ", "")
        heads = [whole[:end] for end in (3, 2) if len(whole) >= end] if hangul.is_whole(whole) else []
        if not heads:
            return Aside()
        ranges = " UNION ALL ".join(
            ["(SELECT term, df FROM catalog_searchterm WHERE kind = 'k' AND key LIKE %s AND df > 0"
             f" AND {none_of(tiers)} ORDER BY df DESC LIMIT {PAGE})"] * len(heads)
        )  # fmt: skip
        select = f"""SELECT 'begun', 0, term, '', 0 FROM ({ranges}) AS begun
            GROUP BY term ORDER BY max(df) DESC, length(term), term LIMIT {NEAR}"""
        return Aside(selects=[f"({select})"], args=[f"{hangul.key(hangul.fold(head))}%" for head in heads])

    def _mistyped(self) -> Mistyped:
        rewritten = tuple(synonyms.rewrites(self.text, self._facts.pairs))
        return Mistyped(self.text.replace(" ", ""), self.found.query, rewritten)

    # ---------------------------------------------------------------- asking
    def _take(self, facts: Facts) -> None:
        facts.pairs = {south: norths for south, norths in facts.pairs.items() if south not in self._without}
        self._facts = facts

    def _group(self, text: str, *, typed: str = "", weight: float = 1.0) -> Group:
        asked = probes(text, weight=weight, typed=typed)
        for meant in synonyms.rewrites(text, self._facts.pairs):
            asked += probes(meant, weight=weight * SYNONYM, why=f"{meant}, which the shop says instead")
        facts = self._facts
        return Group(asked, text.replace(" ", ""), facts.sellers.get(text, []), facts.categories.get(text, []))

    def _meant(self, term: str) -> Group:
        """A corrected word. Whether a seller or a shelf is called so the statement finds out itself."""
        group = self._group(term, weight=CORRECTED)
        return Group(group.probes, group.literal, names=[term])

    def _ask(self, tiers: list[Tier], aside: Aside) -> list[Told]:
        """Ask them all at once and keep what is new; what was told aside."""
        rows, told = find(tiers, self.limit + 1, aside)
        for place, tier in enumerate(tiers):
            hits = [hit for at, hit, _ in rows if at == place]
            answered = next((count for at, _, count in rows if at == place), 0)
            if tier.letter == "D" and hits:
                self.found.found_as = self.found.found_as or tier.text
            self._keep(Step(tier.letter, tier.name, tier.groups, hits, answered, tier.text))
            if tier.letter == "A":  # whole words and the rest are one list
                skus = len(self._facts.skus)
                self.found.hits[skus:] = sorted(self.found.hits[skus:], key=lambda hit: hit.place)
        return told

    def _keep(self, step: Step) -> None:
        step.hits = new = [hit for hit in step.hits if hit.product_id not in self._ids]
        self._ids.update(hit.product_id for hit in new)
        self.found.steps.append(step)
        self.found.hits += new
        self.found.is_capped = self.found.is_capped or len(self.found.hits) > self.limit
        del self.found.hits[self.limit :]


def _can_be_asked(tier: Tier) -> bool:
    return bool(tier.groups) and all(tier.groups)
