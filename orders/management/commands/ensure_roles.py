"""Write the bureau's roles."""

from typing import Any

from django.core.management.base import BaseCommand

from orders.roles import ensure_roles


class Command(BaseCommand):
    help = (
        "Makes the groups order desk, courier, seller, finance and bank desk exist with exactly their permissions "
        "(orders/roles.py). Run after migrating a new shop or changing a role. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for name, group in ensure_roles().items():
            self.stdout.write(f"{name}: {group.permissions.count()} permissions")
