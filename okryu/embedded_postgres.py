"""Find, prepare, start and stop the embedded PostgreSQL."""

from pathlib import Path


def default_url(clone: Path) -> str:
    """The database address of this clone's embedded server."""
    return "postgres://okryu@//tmp/okryu/okryu"
