"""The bureau's board over 100,000 orders, through the real page and Django's test client.

    python -m bench.board                     a PostgreSQL of its own, filled by a few statements; about two minutes
    python -m bench.board --orders 5000       a trial
    python -m bench.board --explain           and the plans of the queries that took longest

Two shops of the same size: one as in life, 3 of 100 parcels still open, and one where every parcel is. Every filter is
asked for, and a page far behind the first. Exit status 1 when one of them takes longer or asks more than it may.
On a machine that others use, the processor time beside each figure is what counts.
"""

from __future__ import annotations

import argparse
import html
import io
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from bench.cluster import Cluster, scratch_cluster
from bench.figures import Bar, Figure, status, table
from bench.progress import Progress

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

MOST_MS, MOST_QUERIES = 200, 15
BOARD = "/admin/desk/board/"
ROUNDS = 30
# The share of parcels that have reached their end, in each shop.
SHOPS = {"3 % open": 0.97, "all open": 0.0}
PAGES = {
    "opened": "",
    "overdue": "late=on",
    "waiting for the seller": "state=awaiting",
    "ready": "state=ready",
    "delivered": "state=delivered",
    "of one seller": "seller=seller-7",
    "of one courier": "courier=1930000005",
    "of no courier, ready": "courier=nobody&state=ready",
    "to one district": "place=district-9",
    "to one zone": "place=zone:D",
    "one window": "day={day}&window=18",
    "ready in one district": "state=ready&place=district-9",
}
FAR = "behind 1,000 others"

PEOPLE = """
INSERT INTO accounts_user (phone, name, password, is_superuser, is_active, is_staff, language)
SELECT '191' || lpad(n::text, 7, '0'), '김은주', '!', false, true, false, 'ko-kp' FROM generate_series(1, 1000) n
UNION ALL
SELECT '193' || lpad(n::text, 7, '0'), '최금철', '!', false, true, true, 'ko-kp' FROM generate_series(1, 40) n;
INSERT INTO accounts_user_groups (user_id, group_id)
SELECT u.id, g.id FROM accounts_user u, auth_group g WHERE u.phone LIKE '193%%' AND g.name = 'courier';
"""
PLACES = """
INSERT INTO accounts_zone (code) VALUES ('A'), ('B'), ('C'), ('D');
INSERT INTO accounts_district (slug, name, name_ko_kp, name_en, zone_id, fee, position)
SELECT 'district-' || n, n || '구역', n || '구역', 'District ' || n, chr(65 + n %% 4), 100, n
  FROM generate_series(1, 14) n;
INSERT INTO accounts_neighbourhood (district_id, name, name_ko_kp, name_en, position)
SELECT d.id, n || '동', n || '동', 'No. ' || n, n FROM accounts_district d, generate_series(1, 12) n;
INSERT INTO catalog_seller (slug, name, name_ko_kp, name_en, kind, district_id, telephone, introduction,
    introduction_ko_kp, introduction_en, opens_at, closes_at, preparation_minutes, lead_days, is_active, position)
SELECT 'seller-' || n, n || '상점', n || '상점', 'Shop ' || n, 'shop',
       (SELECT min(id) FROM accounts_district) + n %% 14, '', '', '', '', '09:00', '18:00', 60, 0, true, n
  FROM generate_series(1, 60) n;
INSERT INTO orders_deliveryslot (zone_id, day, start_hour, end_hour, vehicle, capacity, taken)
SELECT z.code, current_date + d, h, h + 2, v, 30000, 0
  FROM accounts_zone z, generate_series(-90, 7) d, generate_series(10, 18, 2) h, unnest(ARRAY['motorbike', 'van']) v;
"""
ORDERS = """
INSERT INTO orders_order (code, user_id, status, checkout_token, payment_key, language, recipient_name,
    recipient_phone, neighbourhood_id, unit, building, floor, door, note, is_gift, gift_text, goods_total,
    delivery_total, discount_total, total, placed_at, paid_at, hold_extensions)
SELECT 'T' || lpad(n::text, 7, '0'), u.first + n %% 1000, 'paid', gen_random_uuid(), gen_random_uuid(), 'ko-kp',
       '김은주', '1912345678', h.first + n %% 168, '3', n %% 30 || '호동', '5', '2', '', false, '', 760, 100, 0, 860,
       now() - (n %% 90) * interval '1 day', now() - (n %% 90) * interval '1 day', 0
  FROM generate_series(1, %(orders)s) n, (SELECT min(id) AS first FROM accounts_user) u,
       (SELECT min(id) AS first FROM accounts_neighbourhood) h;
"""
# Open parcels are promised around today, ended ones on their order's day; one in nine is collected.
PARCELS = """
INSERT INTO orders_parcel (order_id, number, seller_id, status, method, slot_id, vehicle, weight_g, promised_from,
    promised_until, confirm_by, if_short, fee, goods_total, commission_bp, handover_code, decline_reason,
    courier_id, captured_at, ready_at, dispatched_at, delivered_at)
SELECT o.id, k.number, f.seller + (o.id * 7 + k.number) %% 60, s.status, m.method,
       CASE m.method WHEN 'delivery' THEN t.id END, 'motorbike', 900, w.starts, w.starts + interval '2 hours',
       CASE s.status WHEN 'awaiting' THEN w.starts - interval '3 hours' END, 'send_rest',
       CASE m.method WHEN 'delivery' THEN 100 ELSE 0 END, 380, 300, '0000', '',
       CASE WHEN s.status IN ('dispatched', 'delivered') THEN f.courier + o.id %% 40 END,
       CASE WHEN s.status IN ('ready', 'dispatched', 'delivered') THEN w.starts END, NULL, NULL,
       CASE s.status WHEN 'delivered' THEN w.starts END
  FROM orders_order o
  CROSS JOIN LATERAL generate_series(1, 1 + (o.id %% 3 = 0)::int) AS k (number)
  CROSS JOIN LATERAL (SELECT CASE WHEN (o.id * 13 %% 1000) < %(ended)s * 1000 THEN 'delivered'
      ELSE (ARRAY['awaiting', 'confirmed', 'ready', 'dispatched'])[1 + (o.id + k.number) %% 4] END AS status) AS s
  CROSS JOIN LATERAL (SELECT CASE WHEN (o.id + k.number) %% 9 = 0 AND s.status NOT IN ('dispatched', 'delivered')
      THEN 'collection' ELSE 'delivery' END AS method) AS m
  CROSS JOIN LATERAL (SELECT CASE s.status WHEN 'delivered' THEN (o.id %% 90)::int ELSE (o.id %% 4)::int - 2 END
      AS days_ago, 10 + 2 * (o.id %% 5)::int AS hour) AS d
  CROSS JOIN LATERAL (SELECT ((current_date - d.days_ago) + make_time(d.hour, 0, 0)) AT TIME ZONE 'Asia/Pyongyang'
      AS starts) AS w
  JOIN accounts_neighbourhood h ON h.id = o.neighbourhood_id
  JOIN accounts_district i ON i.id = h.district_id
  JOIN orders_deliveryslot t ON t.zone_id = i.zone_id AND t.day = current_date - d.days_ago AND t.start_hour = d.hour
       AND t.vehicle = 'motorbike',
       (SELECT min(s.id) AS seller, (SELECT min(id) FROM accounts_user WHERE phone LIKE '193%%') AS courier
          FROM catalog_seller s) f;
"""


@dataclass(frozen=True, slots=True)
class Shop:
    name: str
    ended: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--explain", action="store_true", help="print the plan of each page's slowest query")
    options = parser.parse_args(arguments)
    with scratch_cluster() as cluster:
        _set_up_django(cluster)
        figures = _measure(cluster, options.orders, explain=options.explain)
    print(f"\n{table(figures)}\n\n{options.orders:,} orders, {os.cpu_count()} cores")
    return status(figures)


def _set_up_django(cluster: Cluster) -> None:
    os.environ |= {
        "DATABASE_URL": cluster.url("okryu"),
        "DJANGO_SETTINGS_MODULE": "okryu.settings",
        "STATEMENT_TIMEOUT_SECONDS": "0",  # filling takes longer than a page may
        "LOG_LEVEL": "ERROR",
    }
    import django  # noqa: PLC0415

    django.setup()


def _measure(cluster: Cluster, orders: int, *, explain: bool) -> list[Figure]:
    from django.core.management import call_command  # noqa: PLC0415 - models need Django
    from django.db import connection  # noqa: PLC0415

    progress = Progress(1 + len(SHOPS) * 2)
    progress.step("migrating")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("ensure_roles", stdout=io.StringIO())
    with connection.cursor() as cursor:
        for statement in (PEOPLE, PLACES, ORDERS, "ANALYZE"):
            cursor.execute(statement, {"orders": orders})
    figures: list[Figure] = []
    for name, ended in SHOPS.items():
        progress.step(f"{orders:,} orders, {name}")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM orders_parcel")
            cursor.execute(PARCELS, {"ended": ended})
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        progress.step(f"reading, {name}")
        figures += _pages(name, explain=explain)
    progress.end()
    return figures


def _pages(shop: str, *, explain: bool) -> list[Figure]:
    from django.test import Client  # noqa: PLC0415

    client = Client(SERVER_NAME="localhost")
    client.force_login(_somebody())
    client.cookies["language"] = "en"
    day = _busiest_day()
    pages = {name: f"?{asked.format(day=day)}" for name, asked in PAGES.items()}
    pages[FAR] = _far(client)
    found = [_page(client, shop, name, path, explain=explain) for name, path in pages.items()]
    return [figure for pair in found for figure in pair]


def _page(client: Client, shop: str, name: str, path: str, *, explain: bool) -> tuple[Figure, Figure]:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(BOARD + path)
    asked = list(queries.captured_queries)  # kept before the next request forgets them
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    if explain:
        _explain(asked, name)
    took, worked = [], _processor_ms()
    for _round in range(ROUNDS):
        began = time.perf_counter()
        client.get(BOARD + path)
        took.append((time.perf_counter() - began) * 1000)
    worked = (_processor_ms() - worked) / ROUNDS
    p95 = sorted(took)[int(len(took) * 0.95)]
    rows = answer.content.count(b'name="parcel"')
    note = f"p50 {statistics.median(took):.0f} ms, {worked:.0f} ms of processor, {rows} rows"
    return (
        Figure(Bar(f"{shop}: {name}, p95", "ms", MOST_MS, None, at_most=True), p95, note),
        Figure(Bar(f"{shop}: {name}, queries", "", MOST_QUERIES, None, at_most=True), len(asked), ""),
    )


def _processor_ms() -> float:
    """What this process and its PostgreSQL backend have worked so far: says on a busy machine what the page costs."""
    from django.db import connection  # noqa: PLC0415

    backend = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return (time.process_time() + backend.user + backend.system) * 1000


def _explain(queries: list[dict[str, str]], name: str) -> None:
    from django.db import connection  # noqa: PLC0415

    slowest = max((each for each in queries if "orders_parcel" in each["sql"]), key=lambda each: float(each["time"]))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + slowest["sql"].replace("%", "%%"), ())
        plan = "\n".join(row[0] for row in cursor.fetchall())
    print(f"\n--- {name}: {slowest['time']} s\n{plan}")


def _far(client: Client) -> str:
    """The page behind twenty others."""
    path = "?"
    for _page_number in range(20):
        following = re.search(r'href="([^"]+)" rel="next"', client.get(BOARD + path).content.decode())
        if following is None:
            break
        path = html.unescape(following[1])
    return path


def _somebody() -> User:
    from accounts.models import User  # noqa: PLC0415
    from orders.roles import ORDER_DESK, ensure_roles  # noqa: PLC0415

    person, is_new = User.objects.get_or_create(phone="1959999999", defaults={"name": "박영희", "is_staff": True})
    if is_new:
        person.groups.add(ensure_roles()[ORDER_DESK])
    return person


def _busiest_day() -> str:
    from django.utils import timezone  # noqa: PLC0415

    from okryu.calendar import local_day  # noqa: PLC0415

    return local_day(timezone.now()).isoformat()


if __name__ == "__main__":
    sys.exit(main())
