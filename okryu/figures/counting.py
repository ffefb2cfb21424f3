"""Counting page views and unique visitors: no cookie, no query in the request, nothing kept about a person.

A view is added to a counter in this process. Every few seconds a thread writes what has gathered in one short
transaction. A visitor is the salted digest of network address and browser; the salt is random, new every day and
deleted with the day (closing.py), so no digest can be followed over two days or turned back.
"""

import atexit
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.client import client_address
from okryu.calendar import local_day
from okryu.figures.models import Device, Page
from okryu.figures.writing import write

log = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]

# The view's name decides the kind of page. What is not named here is not counted.
PAGES = {
    "catalog:home": Page.HOME,
    "catalog:categories": Page.CATEGORY,
    "catalog:category": Page.CATEGORY,
    "catalog:sellers": Page.SELLER,
    "catalog:seller": Page.SELLER,
    "catalog:product": Page.PRODUCT,
    "catalog:compare": Page.PRODUCT,
    "catalog:search": Page.SEARCH,
    "orders:cart": Page.CART,
    "orders:checkout": Page.CHECKOUT,
    "orders:payment": Page.CHECKOUT,
    "orders:orders": Page.ORDER,
    "orders:order": Page.ORDER,
    "orders:receipt": Page.ORDER,
    "accounts:join": Page.ACCOUNT,
    "accounts:sign-in": Page.ACCOUNT,
    "accounts:account": Page.ACCOUNT,
    "accounts:addresses": Page.ACCOUNT,
    "card:card": Page.CARD,
    "figures:figures": Page.FIGURES,
    "shop:help": Page.HELP,
    "shop:about": Page.HELP,
}
# Machines that say they are. Programs of a newcomer trying the shop are visitors like anyone.
_ROBOT = re.compile(r"bot\b|bot[/;]|crawl|spider|slurp|preview|monitor|uptime|healthcheck", re.IGNORECASE)
_PHONE = re.compile(r"mobi|android|iphone|ipod|opera mini|symbian|series60|midp|phone|arirang|pyongyang", re.IGNORECASE)
_AGENT_LENGTH = 300
# Far above what gathers in one interval; beyond it views still count, only new visitors wait for the next flush.
_MOST_VISITORS = 50_000


@dataclass
class Batch:
    """What has gathered since the last flush."""

    views: Counter[tuple[date, str, str]] = field(default_factory=Counter)  # day, page, device
    categories: Counter[tuple[date, str]] = field(default_factory=Counter)  # day, slug of a category
    products: Counter[tuple[date, int]] = field(default_factory=Counter)  # day, id of a product
    visitors: set[tuple[date, str]] = field(default_factory=set)  # day, address and browser; never stored as such

    def add(self, other: "Batch") -> None:
        self.views += other.views
        self.categories += other.categories
        self.products += other.products
        self.visitors |= other.visitors


class Tally:
    """The counters of this process, safe under threads, and the thread that writes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._batch = Batch()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def count(self, request: HttpRequest, page: Page) -> None:
        day = local_day(timezone.now())
        agent = request.META.get("HTTP_USER_AGENT", "")[:_AGENT_LENGTH]
        match = request.resolver_match
        with self._lock:
            self._batch.views[day, page.value, device_of(agent).value] += 1
            if match and match.view_name == "catalog:category":
                self._batch.categories[day, str(match.kwargs["slug"])] += 1
            if match and match.view_name == "catalog:product":
                self._batch.products[day, match.kwargs["product_id"]] += 1
            if len(self._batch.visitors) < _MOST_VISITORS:
                self._batch.visitors.add((day, f"{client_address(request)}\n{agent}"))
        self._keep_writing()

    def flush(self) -> None:
        """Write what has gathered. When the database is away it is kept for the next time."""
        with self._flushing:
            with self._lock:
                batch, self._batch = self._batch, Batch()
            if not batch.views:
                return
            try:
                write(batch.views, batch.categories, batch.products, batch.visitors)
            except Exception:
                log.warning("Page views could not be written; they are kept for the next time.", exc_info=True)
                with self._lock:
                    self._batch.add(batch)

    def stop(self) -> None:
        """The last flush of a process that ends."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self.flush()
        connections.close_all()

    def _keep_writing(self) -> None:
        """Start the thread with the first view counted, so after gunicorn has forked."""
        if self._thread is not None or not settings.FIGURES_FLUSH_SECONDS:
            return
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
            self._thread.start()
        atexit.register(self.stop)

    def _run(self) -> None:
        while not self._stop.wait(settings.FIGURES_FLUSH_SECONDS):
            try:
                self.flush()
            finally:
                connections.close_all()  # or this thread would hold one of the pool's for ever


tally = Tally()


def count_page_views(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        try:
            if page := _counted_page(request, response):
                tally.count(request, page)
        except Exception:  # a figure is never worth a failed page
            log.exception("A page view was not counted.")
        return response

    return middleware


def device_of(agent: str) -> Device:
    return Device.PHONE if _PHONE.search(agent) else Device.COMPUTER


def _counted_page(request: HttpRequest, response: HttpResponse) -> Page | None:
    """The kind of page a person has just looked at; None for everything else."""
    if request.method != "GET" or response.status_code != 200 or request.resolver_match is None:
        return None
    fetched_ahead = "prefetch" in request.META.get("HTTP_SEC_PURPOSE", request.META.get("HTTP_PURPOSE", ""))
    if fetched_ahead or _ROBOT.search(request.META.get("HTTP_USER_AGENT", "")):
        return None
    return PAGES.get(request.resolver_match.view_name)
