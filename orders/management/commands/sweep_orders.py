"""Expire holds, decline unanswered parcels, settle holds that end soon."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.cart import forget_visitor_carts
from orders.stock_holds import expire_due_orders
from orders.tasks import decline_unanswered, move_late_parcels, settle_expiring, write_popularity


class Command(BaseCommand):
    help = (
        "Does once what the worker does every minute: expires unpaid orders whose time is over, declines parcels "
        "no seller answered in time, gives late parcels a new time and tells their members, settles holds that end "
        "within a day; counts popularity, forgets old carts. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{expire_due_orders()} orders expired")
        self.stdout.write(f"{decline_unanswered()} unanswered parcels declined")
        self.stdout.write(f"{move_late_parcels()} late parcels given a new time")
        self.stdout.write(f"{settle_expiring()} parcels settled before their hold ends")
        self.stdout.write(f"{write_popularity()} products counted anew")
        self.stdout.write(f"{forget_visitor_carts()} visitors' carts forgotten")
