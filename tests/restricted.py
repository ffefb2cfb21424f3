"""A test's whole process working as the role that owns nothing, as web and worker do in production."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created
from django.test import override_settings

from okryu import database_roles


@contextlib.contextmanager
def restricted() -> Iterator[None]:
    """Every connection opened meanwhile, in any thread, is okryu_app's, working as shop_app.

    `SET SESSION AUTHORIZATION` is what signing in as okryu_app does, without another way to sign in. The rights are
    given first, by the owner. Real transactions only: within a test's own one a role would outlive its verb.
    """
    database_roles.carry_out(database_roles.plan())
    connection.close()
    connection_created.connect(_become_the_app, dispatch_uid="restricted")
    try:
        with override_settings(DATABASE_ROLES=True):
            yield
    finally:
        connection_created.disconnect(dispatch_uid="restricted")
        connection.close()


def _become_the_app(sender: Any, connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {database_roles.LOGIN}")
        cursor.execute(f"SET ROLE {database_roles.SHOP}")
