"""Zones, districts and neighbourhoods of the demo, and the country's holidays."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from accounts.models import District, Neighbourhood, Zone
from orders.models import Holiday

HOLIDAYS = Path(__file__).resolve().parent / "holidays.json"


def load_places(districts: list[dict[str, Any]]) -> dict[str, District]:
    """Every district by its slug. What stands already is left as it is."""
    Zone.objects.bulk_create(
        [Zone(code=code) for code in sorted({row["zone"] for row in districts if row["zone"]})], ignore_conflicts=True
    )
    District.objects.bulk_create(
        [
            District(
                slug=row["slug"],
                name_ko_kp=row["name_ko"],
                name_en=row["name_en"],
                zone_id=row["zone"],
                fee=row["fee_kpw"],
                position=position,
            )
            for position, row in enumerate(districts, start=1)
        ],
        ignore_conflicts=True,
    )
    known = {str(district.slug): district for district in District.objects.all()}
    _load_neighbourhoods(districts, known)
    return known


def load_holidays() -> int:
    """The public holidays of 2026 and 2027; a day that is one already keeps its name. Returns how many there are."""
    rows: list[dict[str, str]] = json.loads(HOLIDAYS.read_text(encoding="utf-8"))
    Holiday.objects.bulk_create(
        [
            Holiday(day=date.fromisoformat(row["day"]), name_ko_kp=row["name_ko"], name_en=row["name_en"])
            for row in rows
        ],
        ignore_conflicts=True,
    )
    return Holiday.objects.count()


def _load_neighbourhoods(districts: list[dict[str, Any]], known: dict[str, District]) -> None:
    there = set(Neighbourhood.objects.values_list("district_id", "name_ko_kp"))
    Neighbourhood.objects.bulk_create(
        Neighbourhood(
            district=known[row["slug"]], name_ko_kp=place["name_ko"], name_en=place["name_en"], position=position
        )
        for row in districts
        for position, place in enumerate(row["neighbourhoods"], start=1)
        if (known[row["slug"]].pk, place["name_ko"]) not in there
    )
