"""The categories, sellers and kinds that rows name, by address word or by name in either language."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import override

from accounts.models import District
from catalog.importing.mapping import Mapping
from catalog.importing.words import Wrong
from catalog.models import Category, ProductKind, Seller
from catalog.search.roman import romanise

PLACES = ("seller", "category", "kind")
LONGEST = 60


class Shelves:
    """Known places by every word for them, read once; kinds as the rows name them."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.ids: dict[str, dict[str, int]] = {place: {} for place in PLACES}  # address word → id
        self.words: dict[str, dict[str, str]] = {place: {} for place in PLACES}  # any word → address word
        self.found: dict[str, dict[str, str]] = {place: {} for place in PLACES}  # the file's text → address word
        # Address word → what a place to be made is called; a kind's category.
        self.missing: dict[str, dict[str, tuple[str, str]]] = {place: {} for place in PLACES}
        self._learn("seller", Seller.objects.values_list("pk", "slug", "name_ko_kp", "name_en"))
        self._learn("category", Category.objects.values_list("pk", "slug", "name_ko_kp", "name_en"))

    def look_up(self, rows: Iterable[dict[str, str]]) -> None:
        """Learn the kinds these rows name."""
        wanted = {row["kind"].strip() for row in rows if row.get("kind", "").strip()} - self.words["kind"].keys()
        if not wanted:
            return
        slugs = {self.slug_of("kind", text) for text in wanted} | {text.casefold() for text in wanted}
        kinds = ProductKind.objects.filter(Q(slug__in=slugs) | Q(name_ko_kp__in=wanted) | Q(name_en__in=wanted))
        self._learn("kind", kinds.values_list("pk", "slug", "name_ko_kp", "name_en"))

    def _learn(self, place: str, rows: Iterable[tuple[int, str, str | None, str | None]]) -> None:
        for pk, slug, korean, english in rows:
            self.ids[place][slug] = pk
            for word in (english, korean):
                if word:
                    self.words[place].setdefault(word.casefold().strip(), slug)

    def find(self, place: str, text: str, row: dict[str, str]) -> str:
        """The address word of what `text` names. Raises Wrong where there is no such place and none is to be made."""
        if not text:
            return ""
        if text not in self.found[place]:
            own, folded = self.slug_of(place, text), text.casefold()
            known = self.ids[place]
            slug = own if own in known else folded if folded in known else self.words[place].get(folded)
            if slug is None:
                self._note_missing(place, own, text, row)
                return own
            self.found[place][text] = slug
        return self.found[place][text]

    def _note_missing(self, place: str, slug: str, text: str, row: dict[str, str]) -> None:
        if not self.mapping.makes_missing or not slug:
            raise Wrong("unknown", value=text[:40])
        name = row.get(f"{place}_name", "").strip() or text
        self.missing[place].setdefault(slug, (name, row.get("category", "").strip()))

    def slug_of(self, place: str, text: str) -> str:
        prefix = "" if place == "category" else self.mapping.prefix
        return slugify(romanise(prefix + text))[:LONGEST].strip("-")

    def make(self) -> None:
        """Write what is missing, hidden until staff show it. In the transaction of the rows that need it."""
        with override("ko-kp"):  # the plain column holds the fallback's text
            self._make_categories()
            self._make_sellers()
            self._make_kinds()
        for place in PLACES:
            self.missing[place].clear()

    def _make_categories(self) -> None:
        if new := self.missing["category"]:
            Category.objects.bulk_create(
                (
                    Category(slug=slug, name_ko_kp=name[:80], name_en=name[:80], is_active=False)
                    for slug, (name, _) in new.items()
                ),
                ignore_conflicts=True,
            )
            found = Category.objects.filter(slug__in=new)
            self._learn("category", found.values_list("pk", "slug", "name_ko_kp", "name_en"))

    def _make_sellers(self) -> None:
        if new := self.missing["seller"]:
            district = District.objects.get(slug=self.mapping.district)
            Seller.objects.bulk_create(
                (
                    Seller(
                        slug=slug,
                        name_ko_kp=name[:80],
                        name_en=name[:80],
                        kind=Seller.Kind.SHOP,
                        district=district,
                        is_active=False,
                    )
                    for slug, (name, _) in new.items()
                ),
                ignore_conflicts=True,
            )
            found = Seller.objects.filter(slug__in=new)
            self._learn("seller", found.values_list("pk", "slug", "name_ko_kp", "name_en"))

    def _make_kinds(self) -> None:
        if new := self.missing["kind"]:
            ProductKind.objects.bulk_create(
                (
                    ProductKind(
                        slug=slug,
                        name_ko_kp=name[:120],
                        name_en=name[:120],
                        category_id=self.ids["category"][self.find("category", category, {})],
                    )
                    for slug, (name, category) in new.items()
                ),
                ignore_conflicts=True,
            )
            found = ProductKind.objects.filter(slug__in=new)
            self._learn("kind", found.values_list("pk", "slug", "name_ko_kp", "name_en"))

    def id_of(self, place: str, slug: str) -> int | None:
        return self.ids[place][slug] if slug else None
