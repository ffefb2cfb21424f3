"""What the filters of shelves are called: sellers, districts, attributes and their answers, in one query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Names:
    """Rows of COLUMNS, in the order of lists."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [row for row in self.rows if row[0] == kind]


COLUMNS = "what, id, slug, ko, en, kind, unit_ko, unit_en, bands, of"
_NAMED = """(
    SELECT 'attribute' AS what, t.id, t.slug, t.name_ko_kp AS ko, t.name_en AS en, t.kind,
           t.unit_ko_kp AS unit_ko, t.unit_en AS unit_en, t.bands, NULL::bigint AS of, t.position
    FROM catalog_attribute t
    WHERE t.is_filter AND EXISTS (SELECT FROM catalog_attribute_categories c
                                  WHERE c.attribute_id = t.id AND c.category_id = ANY ({path}))
    UNION ALL
    SELECT 'option', o.id, o.slug, o.name_ko_kp, o.name_en, NULL, NULL, NULL, NULL, o.attribute_id, o.position
    FROM catalog_attributeoption o JOIN catalog_attribute t ON t.id = o.attribute_id
    WHERE t.is_filter AND EXISTS (SELECT FROM catalog_attribute_categories c
                                  WHERE c.attribute_id = t.id AND c.category_id = ANY ({path}))
    UNION ALL
    SELECT 'seller', s.id, s.slug, s.name_ko_kp, s.name_en, NULL, NULL, NULL, NULL, NULL, s.position
    FROM catalog_seller s WHERE s.is_active AND (s.id = ANY ({sellers}) OR s.slug = ANY (%(slugs)s))
    UNION ALL
    SELECT 'district', d.id, d.slug, d.name_ko_kp, d.name_en, NULL, NULL, NULL, NULL, NULL, d.position
    FROM accounts_district d WHERE d.id = ANY ({districts})
) AS named"""


def rows_for(*, path: str, sellers: str, districts: str) -> str:
    """The query of the rows; the arrays of ids as SQL, `slugs` is a parameter."""
    return f"SELECT {COLUMNS} FROM {_NAMED} ORDER BY position, id".format(  # noqa: S608  our own words
        path=path, sellers=sellers, districts=districts
    )


def json_for(*, path: str, sellers: str, districts: str) -> str:
    """The same as one value: an array of arrays."""
    return f"SELECT jsonb_agg(jsonb_build_array({COLUMNS}) ORDER BY position, id) FROM {_NAMED}".format(  # noqa: S608
        path=path, sellers=sellers, districts=districts
    )
