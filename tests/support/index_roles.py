"""The index of a deployment, with something put around each of its roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from dicomorph.ports.index import Index


def around(port: Any, wrap: Callable[[Any], Any]) -> Any:
    """Return a port with something around it: of the index, around the adapter of each role."""
    if not isinstance(port, Index):
        return wrap(port)
    roles: Any = {role.name: wrap(getattr(port, role.name)) for role in fields(Index)}
    return Index(**roles)
