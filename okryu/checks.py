"""What Okryu refuses to start with. Each refusal is one line that says what to change."""

import ipaddress
import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections

from okryu import database_roles
from payments import faults

CANNOT_START = 2  # the exit status
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def stop_if_unsafe(*, database: bool = False, serving: bool = False) -> None:
    """Exit with one line and status 2 if the settings (and the database) are not fit to serve a shop.

    `serving` looks at the role as well: who serves shoppers must not own the ledger, who migrates must.
    """
    try:
        refusals = settings_refusals()
        if database and not refusals and settings.PRODUCTION:
            refusals = database_refusals()
            if serving and not refusals:
                refusals = database_roles.refusals()
    except ImproperlyConfigured as error:
        refusals = [str(error)]
    except ValueError as error:
        refusals = [f"a setting in the environment cannot be read: {error}."]
    except OperationalError as error:
        refusals = [f"the database does not answer: {str(error).splitlines()[0]}"]
    if refusals:
        print(f"Okryu does not start: {refusals[0]}", file=sys.stderr, flush=True)
        sys.exit(CANNOT_START)
    if settings.PAYMENT_FAULTS:
        print(f"!!! {_faults_are_on()}", file=sys.stderr, flush=True)


def settings_refusals() -> list[str]:
    return list(_settings_refusals())


def _settings_refusals() -> Iterable[str]:
    hosts = settings.ALLOWED_HOSTS
    if settings.PRODUCTION and settings.DEBUG:
        yield "DEBUG is on in production: unset DEBUG."
    if settings.DEBUG and (public := [host for host in hosts if not _is_this_machine(host)]):
        yield f"DEBUG is on for hosts that others can reach ({', '.join(public)}): unset DEBUG or ALLOWED_HOSTS."
    if settings.PRODUCTION and not hosts:
        yield "ALLOWED_HOSTS is empty: name the hosts and addresses the shop answers under."
    if any(host in ("*", "") for host in hosts):
        yield 'ALLOWED_HOSTS holds "*": name the hosts and addresses the shop answers under.'
    try:
        faults.read(settings.PAYMENT_FAULTS)
    except ValueError as error:
        yield f"PAYMENT_FAULTS cannot be read: {error}."
    if settings.PRODUCTION and settings.PAYMENT_FAULTS and not settings.PAYMENT_FAULTS_IN_PRODUCTION:
        yield f"{_faults_are_on()} Unset PAYMENT_FAULTS, or set PAYMENT_FAULTS_IN_PRODUCTION=1 to mean it."


def database_refusals() -> list[str]:
    """Settings under which a confirmed order or payment could be lost in a power cut."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(DURABLE)])
        found = dict(cursor.fetchall())
    return [
        f"{name} is off in PostgreSQL, a power cut could lose paid orders: set {name} = on."
        for name in DURABLE
        if found[name] == "off"
    ]


def _faults_are_on() -> str:
    return f"PAYMENT_FAULTS is on: calls to the card network are harmed on purpose ({settings.PAYMENT_FAULTS})."


def _is_this_machine(host: str) -> bool:
    if host in ("localhost", "testserver", ".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@register(Tags.security)
def check_settings(**_: Any) -> list[CheckMessage]:
    return [Error(line, id="okryu.E001") for line in settings_refusals()]


@register(Tags.security)
def check_faults(**_: Any) -> list[CheckMessage]:
    return [Warning(_faults_are_on(), id="okryu.W003")] if settings.PAYMENT_FAULTS else []


@register(Tags.database)
def check_database(*, app_configs: Any = None, databases: Any = None, **_: Any) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    kind = Error if settings.PRODUCTION else Warning
    return [kind(line, id="okryu.E002" if settings.PRODUCTION else "okryu.W002") for line in database_refusals()]
