"""Builders of indexes, of entries, and of DynamoDB clients that behave badly on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.resources import LEVELS, Ancestry, InstanceEntry, Level, LevelFacts, ObjectRef, Pin
from dicomorph.ports.index import Index
from dicomorph.services.backend import utc_now
from tests.support.index_schema import index_schema

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEXES = ("sqlite", "dynamodb")
FIRST_DIGITS = "0125af"
_numbers = count()
_MOTO = threading.RLock()  # moto has no locks of its own


def make_table(client: DynamoDBClient) -> str:
    """Create the table of the template, and return its name."""
    name = f"index-{next(_numbers)}"
    client.create_table(TableName=name, **index_schema())
    return name


def make_index(
    adapter: str, folder: Path, client: DynamoDBClient, *, now: Callable[[], datetime] = utc_now
) -> Index:
    """Return an empty index."""
    if adapter == "sqlite":
        return sqlite_index(Database(folder / f"index-{next(_numbers)}.sqlite", epoch=None), now=now)
    return dynamo_index(taking_turns(client), make_table(client), now=now, concurrency=1)


_Call = Callable[[], Any]


def intercepted(client: DynamoDBClient, around: Callable[[str, _Call], Any]) -> DynamoDBClient:
    """Return a client that makes its calls through a function, which may fail or do more.

    Calls of several threads take turns; those that the function makes itself come between.
    """

    class Intercepted:
        def __getattr__(self, name: str) -> Any:
            operation = getattr(client, name)

            def call(**arguments: Any) -> Any:
                with _MOTO:
                    return around(name, lambda: operation(**arguments))

            return call

    return cast("DynamoDBClient", Intercepted())


def taking_turns(client: DynamoDBClient) -> DynamoDBClient:
    """Return a client that several threads can use: each call is atomic, as DynamoDB's are."""
    return intercepted(client, lambda _, call: call())


class CrashError(Exception):
    """The process dies here."""


def after_call(number: int, action: Callable[[], None]) -> Callable[[str, _Call], Any]:
    """Return an interception that does something once, after the call with a number from 0."""
    calls = count()

    def around(_: str, call: _Call) -> Any:
        answer = call()
        if next(calls) == number:
            action()
        return answer

    return around


def crash() -> None:
    """Do what `after_call` does when a process dies."""
    raise CrashError


def entry(  # noqa: PLR0913 - each says what a test is about
    instance: str = "0i",
    *,
    version: str = "1",
    series: str = "0s",
    study: str = "0t",
    patient: str = "0p",
    md5: str = "",
    metadata: Mapping[Level, Mapping[str, str]] | None = None,
    tags: str = "a",
    labels: Mapping[Level, frozenset[str]] | None = None,
) -> InstanceEntry:
    """Return an entry; `tags` tells main tags of one upload from those of another."""
    facts = {
        level: LevelFacts({"0010,0010": f"{tags} {level.value}"}, (metadata or {}).get(level, {}))
        for level in LEVELS
    }
    ref = ObjectRef(f"instances/00/{instance}/{version}.dcm", "", 1000 + len(version))
    return InstanceEntry(
        ancestry=Ancestry(patient, study, series, instance),
        object=ref,
        md5=md5 or version,
        facts=facts,
        labels=labels or {},
    )


def pin(one: InstanceEntry) -> Pin:
    """Return the pin of an entry."""
    return Pin(one.ancestry, one.object)


def assert_hierarchy_is_true(index: Index, *, all_have_children: bool = True) -> None:
    """Check that every parent exists and lists its child, and that every parent has a child."""
    for level in LEVELS:
        for resource_id in index.catalogue.ids(level):
            resource = index.catalogue.get(level, resource_id)
            assert resource is not None
            if level.parent is not None:
                assert resource.parent is not None
                assert index.catalogue.get(level.parent, resource.parent) is not None
                assert resource_id in index.catalogue.children(level.parent, resource.parent)
            if level.child is not None:
                children = index.catalogue.children(level, resource_id)
                assert children or not all_have_children, f"a {level.value} without a child"
                assert all(index.catalogue.get(level.child, child) for child in children)


def stored_objects(index: Index) -> set[str]:
    """Return the keys of the objects that instances refer to."""
    found = (
        index.catalogue.get(Level.INSTANCE, instance) for instance in index.catalogue.ids(Level.INSTANCE)
    )
    return {one.object.key for one in found if one is not None and one.object is not None}


def items(client: DynamoDBClient, table: str) -> list[dict[str, Any]]:
    """Return everything in a table."""
    found: list[dict[str, Any]] = list(client.scan(TableName=table, ConsistentRead=True)["Items"])
    return found
