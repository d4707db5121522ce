"""Sweeps on AWS: a store with strays, runs on other days, and what must be true after any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dicomorph.aws.objects.versions import S3Versions
from dicomorph.model.object_keys import product_of
from dicomorph.services.backend import Backend
from dicomorph.services.sweeping import sweeper
from dicomorph.services.sweeping.sweeper import Sweeper, SweepRules, Swept
from tests.workflows import stack
from tests.workflows.aws_server import aws_server
from tests.workflows.embedded import Server

DAYS = 3
STRAY = f"instances/ab/{'ab' * 20}/{'0' * 32}.dcm"
UNKNOWN_JOB = f"jobs/00000000-0000-4000-8000-{'0' * 12}/"


@dataclass
class Store:
    """A server on AWS, and words for what is in its bucket.

    ``day`` is how many days the clock of its sweeps is ahead.
    """

    server: Server
    s3: Any
    dynamodb: Any
    day: float = 0.0

    @property
    def backend(self) -> Backend:
        """The backend as it is on that day."""
        ahead = timedelta(days=self.day)
        return replace(self.server.backend, now=lambda: datetime.now(UTC) + ahead)

    def sweep(self, days: float = 0.0, *, deletes: bool = True, seconds: float = 600, **ports: Any) -> Swept:
        """Run once, some days later."""
        self.day += days
        versions = ports.pop("versions", None) or S3Versions(self.s3, stack.BUCKET)
        rules = SweepRules(DAYS, deletes=deletes)
        return Sweeper(replace(self.backend, **ports), versions, rules).run(seconds=seconds)

    def sweep_twice(self) -> Swept:
        """Run when all that is there is old enough, and once more when it has been so for long enough."""
        self.sweep(DAYS + 1)
        return self.sweep(DAYS + 1)

    def put(self, *keys: str) -> None:
        """Store something under keys."""
        for key in keys:
            self.server.backend.objects.put(key, b"x")

    def all(self) -> list[tuple[str, str]]:
        """Return the keys and versions of all that is stored, deleted ones and markers too."""
        found = self.s3.list_object_versions(Bucket=stack.BUCKET)
        entries = [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]
        return sorted((one["Key"], one["VersionId"]) for one in entries if _counts(one["Key"]))

    def present(self) -> list[str]:
        """Return the keys of all that is there."""
        return [key for key in self.server.backend.objects.keys("") if _counts(key)]

    @contextmanager
    def calls(self, before: Callable[[], None]) -> Iterator[None]:
        """Do something before each call of AWS."""

        def before_call(**_: Any) -> None:
            before()

        for client in (self.s3, self.dynamodb):
            client.meta.events.register_first("before-call", before_call)
        try:
            yield
        finally:
            for client in (self.s3, self.dynamodb):
                client.meta.events.unregister("before-call", before_call)

    def read_all(self) -> int:
        """Read the file of each entry; return how many there are."""
        pins = self.server.pins()
        for pin in pins:
            self.server.read(pin)
        return len(pins)


def _counts(key: str) -> bool:
    return not key.startswith("sweeps/")


@contextmanager
def store() -> Iterator[Store]:
    """Give a store, of which the parts are swept that have something in them: all others take a while."""
    with aws_server() as (server, (s3, dynamodb)), pytest.MonkeyPatch.context() as patch:
        found = Store(server, s3, dynamodb)
        patch.setattr(sweeper, "_FOLDERS", _Folders(found))
        yield found


class _Folders:
    """The folders that there are."""

    def __init__(self, found: Store) -> None:
        self._store = found

    def __iter__(self) -> Iterator[str]:
        keys = self._store.server.backend.objects.keys("instances/")
        seen = self._store.server.backend.objects.keys("sweeps/")
        names = {product_of(key)[:2] for key in keys} | {key[7:9] for key in seen} - {"jo"}
        return iter(sorted(names))
