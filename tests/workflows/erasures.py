"""Deletions on AWS, and what must be true when they have been finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dicomorph.model.resources import LEVELS, Level
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.unfinished import finish_erasures
from dicomorph.services.store.bulk_delete import bulk_delete
from dicomorph.services.store.delete_resource import delete_resource
from tests.contract.indexes import assert_hierarchy_is_true
from tests.workflows.embedded import Server
from tests.workflows.scenarios import Uploads, keys_of

Deed = Callable[..., object]


def _delete(level: Level) -> Deed:
    named = {Level.INSTANCE: "ID"}.get(level, f"Parent{level.value}")
    return lambda backend, stored, **time: delete_resource(backend, level, stored[0][named], **time)


def _delete_many(backend: Backend, stored: Uploads, **time: Any) -> None:
    named = [stored[0]["ParentSeries"], {"Level": "Instance", "ID": stored[3]["ID"]}, stored[2]["ID"]]
    bulk_delete(backend, {"Resources": [*named, "unknown", stored[2]["ID"]]}, **time)


DEEDS: dict[str, Deed] = {**{level.value: _delete(level) for level in LEVELS}, "bulk": _delete_many}
GOING = {"Instance": 1, "Series": 2, "Study": 3, "Patient": 4, "bulk": 4}
"""How many of the four uploads go."""


def later(backend: Backend, **time: float) -> Backend:
    """Return a backend whose clock is ahead."""
    return replace(backend, now=lambda: datetime.now(UTC) + timedelta(**time))


def run_schedule(backend: Backend) -> None:
    """Do what the function does some time later, and what it does in the end."""
    for time in ({"minutes": 2}, {"hours": 2}):
        finish_erasures(later(backend, **time), seconds=60)


def documents(server: Server) -> list[str]:
    """Return the keys of what is written down."""
    return list(server.backend.objects.keys("erasures/"))


def heads(server: Server) -> int:
    """Return how many erasures have begun."""
    return sum(key.endswith("/head.json") for key in documents(server))


def check(server: Server, entries: dict[str, str]) -> None:
    """Check that the entries are these, that each has its object, and that nothing else is left."""
    assert keys_of(server) == entries
    assert server.files() == sorted(entries.values())
    assert documents(server) == []
    assert_hierarchy_is_true(server.backend.index)


def going(name: str, stored: Uploads) -> set[str]:
    """Return the instances that a deed deletes."""
    return {one["ID"] for one in stored[: GOING[name]]}
