"""The shown categories as a tree, read once a request; everything else about it happens in Python."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models.base import ModelState
from django.http import HttpRequest

from catalog.models import Category


class CategoryTree:
    """Shown categories under their shown parents, in their order. A hidden parent hides what is inside."""

    def __init__(self, categories: list[Category]) -> None:
        self._children: dict[int | None, list[Category]] = {}
        for category in categories:
            self._children.setdefault(category.parent_id, []).append(category)
        self.roots = self.inside(None)
        self._all = {category.pk: category for root in self.roots for category in self._walk(root)}
        self._by_slug = {category.slug: category for category in self._all.values()}

    def __iter__(self) -> Iterator[Category]:
        return iter(self._all.values())

    def get(self, category_id: int) -> Category | None:
        return self._all.get(category_id)

    def by_slug(self, slug: str) -> Category | None:
        return self._by_slug.get(slug)

    def by_name(self, name: str) -> Category | None:
        """The category called exactly this in either language, whatever the case and the spaces."""
        wanted = _plain(name)
        return next((c for c in self if wanted and wanted in (_plain(c.name_ko_kp), _plain(c.name_en))), None)

    def inside(self, category_id: int | None) -> list[Category]:
        """The categories directly inside this one; None for the top shelf."""
        return self._children.get(category_id, [])

    def with_all_inside(self, category: Category) -> list[int]:
        """The ids of the category and of everything under it."""
        return [inner.pk for inner in self._walk(category)]

    def path(self, category: Category) -> list[Category]:
        """From the top down to the category itself."""
        steps = [category]
        while steps[0].parent_id is not None and (parent := self._all.get(steps[0].parent_id)):
            steps.insert(0, parent)
        return steps

    def _walk(self, category: Category) -> Iterator[Category]:
        yield category
        for child in self.inside(category.pk):
            yield from self._walk(child)


def category_tree(request: HttpRequest) -> CategoryTree:
    """The tree of this request: one query for the navigation, the page and its crumbs together."""
    tree: CategoryTree | None = getattr(request, "_category_tree", None)
    if tree is None:
        tree = CategoryTree(_shown_categories())
        request._category_tree = tree  # type: ignore[attr-defined]
    return tree


def _shown_categories() -> list[Category]:
    """All of them, made without the models' constructor: for two hundred it took longer than the page's own query."""
    names = [field.attname for field in Category._meta.concrete_fields]
    shown = Category.objects.filter(is_active=True).rewrite(False)  # type: ignore[attr-defined]
    categories = []
    for row in shown.values_list(*names):
        category = Category.__new__(Category)
        state = category.__dict__["_state"] = ModelState()
        state.adding, state.db = False, shown.db
        category.__dict__.update(zip(names, row, strict=True))
        categories.append(category)
    return categories


def _plain(name: str | None) -> str:
    return "".join((name or "").casefold().split())
