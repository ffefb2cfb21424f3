"""Members, staff and cards of the demo. Passwords, numbers and PINs are known to all: demo data only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import Address, Neighbourhood, User
from catalog.models import Seller
from okryu.calendar import at, local_day
from orders.models import SellerStaff
from orders.roles import ensure_roles
from payments.gateway import luhn
from payments.models import MemberCard
from payments.network import digests
from payments.network.desk import issue_card
from payments.network.models import Card

PEOPLE = Path(__file__).resolve().parent / "people.json"
SHOPPER_PASSWORD = "jade-stream-7"  # noqa: S105  printed in the README
STAFF_PASSWORD = "bureau-demo-stream-7"  # noqa: S105  printed in the README
PIN = "4831"
DEMO_SHOPPER = "1912345678"
ALMOST_EMPTY = "1958765432"
ADMINISTRATOR = "administrator"
CARD_YEARS = 4


@dataclass(frozen=True)
class Shopper:
    """A member who buys in the demo: where goods are brought to, and the card that pays."""

    user: User
    home: Address
    card: Card
    number: str
    joined_on: date


def load_staff() -> dict[str, User]:
    """The people of the bureau and of the bank, by role."""
    groups = ensure_roles()
    staff: dict[str, User] = {}
    for row in _read()["staff"]:
        is_all = row["role"] == ADMINISTRATOR
        user = _member(row, STAFF_PASSWORD, is_staff=True, is_superuser=is_all)
        if not is_all:
            user.groups.add(groups[row["role"]])
        if slug := row.get("seller"):
            SellerStaff.objects.get_or_create(user=user, seller=Seller.objects.get(slug=slug))
        staff[row["role"]] = user
    return staff


def load_shoppers() -> list[Shopper]:
    """The two demo logins first, then forty members, each with address and linked card. Forty cannot sign in."""
    rows = [*_read()["shoppers"], *_members()]
    cards = {bytes(card.number_mac): card for card in Card.objects.select_related("account")}
    shoppers = [_shopper(row, cards) for row in rows]
    _link(shoppers)
    return shoppers


def balances() -> dict[str, int]:
    """What the README promises on the demo logins' cards, in whole won, by telephone."""
    return {row["phone"]: row["balance"] for row in _read()["shoppers"]}


def _read() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(PEOPLE.read_text(encoding="utf-8"))
    return data


def _members() -> list[dict[str, Any]]:
    """The forty members' rows written out: numbers, places within the house and days of joining are drawn once."""
    rng = Random("okryu members")
    rows = []
    for number, (name, birth_year, district, neighbourhood) in enumerate(_read()["members"]):
        phone = f"{rng.choice(['191', '193', '195'])}5{rng.randrange(10**4):04d}{number:02d}"
        home = {
            "district": district,
            "neighbourhood": neighbourhood,
            "unit": str(rng.randint(1, 48)),
            "building": f"{rng.randint(1, 24)}호동",
            "floor": str(rng.randint(1, 18)),
            "door": str(rng.randint(1, 4)),
            "note": "",
        }
        # Half had joined before the first order, the others week by week: the figures show the shop growing.
        days = rng.randint(61, 80) if number % 2 == 0 else rng.randint(3, 60)
        rows.append(
            {
                "phone": phone,
                "name": name,
                "birth_year": birth_year,
                "joined_days_ago": days,
                "card": card_number(phone),
                "addresses": [home],
                "signs_in": False,
            }
        )
    return rows


def card_number(phone: str) -> str:
    """Seventeen digits that a card of this member would carry, the check digit last."""
    stem = f"9408{phone}00"
    return next(f"{stem}{digit}" for digit in range(10) if luhn(f"{stem}{digit}"))


def _shopper(row: dict[str, Any], cards: dict[bytes, Card]) -> Shopper:
    user = _member(row, SHOPPER_PASSWORD if row.get("signs_in", True) else None)
    return Shopper(
        user=user,
        home=_addresses(user, row["addresses"])[0],
        card=cards.get(digests.number_mac(row["card"])) or _issue(row),
        number=row["card"],
        joined_on=local_day(user.joined_at),
    )


def _member(row: dict[str, Any], password: str | None, **flags: Any) -> User:
    known = User.objects.filter(phone=row["phone"]).first()
    return known or User.objects.create(
        phone=row["phone"],
        name=row["name"],
        birth_year=row.get("birth_year"),
        password=make_password(password),
        joined_at=_days_ago(row.get("joined_days_ago", 90), hour=9 + int(row["phone"][-1])),
        **flags,
    )


def _addresses(user: User, rows: list[dict[str, Any]]) -> list[Address]:
    known = list(user.addresses.order_by("id"))
    for position, row in enumerate(rows if not known else []):
        place = Neighbourhood.objects.get(district__slug=row["district"], name_ko_kp=row["neighbourhood"])
        known.append(
            Address.objects.create(
                user=user,
                recipient_name=user.name,
                recipient_phone=user.phone,
                neighbourhood=place,
                is_default=position == 0,
                **{name: row[name] for name in ("unit", "building", "floor", "door", "note")},
            )
        )
    return known


def _issue(row: dict[str, Any]) -> Card:
    expires = local_day(timezone.now()) + timedelta(days=365 * CARD_YEARS)
    return issue_card(number=row["card"], pin=PIN, holder=row["name"], expires_on=expires)


def _link(shoppers: list[Shopper]) -> None:
    """The shop's side of each card, as after a first purchase: a token and four digits."""
    known = set(MemberCard.objects.values_list("user_id", flat=True))
    MemberCard.objects.bulk_create(
        MemberCard(user=one.user, token=one.card.token, last4=one.card.last4, linked_at=one.user.joined_at)
        for one in shoppers
        if one.user.pk not in known
    )


def _days_ago(days: int, *, hour: int) -> datetime:
    return at(local_day(timezone.now()) - timedelta(days=days), hour)
