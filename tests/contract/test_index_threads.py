"""Uploads, overwrites and deletes at once, on each adapter."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from dicomorph.aws.dynamodb import keys
from dicomorph.aws.index.roles import dynamo_index
from dicomorph.model.errors import ConflictError, TransientError, UnknownResourceError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index
from tests.contract.indexes import (
    CrashError,
    assert_hierarchy_is_true,
    entry,
    intercepted,
    items,
    make_table,
    stored_objects,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Worker:
    """One client of the index, with a random sequence of its own."""

    def __init__(self, index: Index, number: int, seed: int) -> None:
        self._index = index
        self._name = number
        self._random = random.Random(seed * 100 + number)  # noqa: S311 - a test that can be repeated
        self._versions = 0
        self.stored: set[str] = set()
        self.given_back: set[str] = set()

    def run(self, steps: int) -> None:
        weights: list[Callable[[], None]] = [self.add] * 4 + [self.remove] * 3 + [self.remove_pins] * 2
        for _ in range(steps):
            with suppress(TransientError, CrashError):  # nothing was acknowledged
                self._random.choice(weights)()

    def add(self) -> None:
        entries = []
        for _ in range(self._random.choice([1, 1, 3])):
            self._versions += 1
            study = self._random.choice("01")
            series = study + self._random.choice("01")
            instance = self._random.choice("01") + series
            entries.append(
                entry(
                    instance, version=f"{self._name}-{self._versions}", series=f"0{series}", study=f"0{study}"
                )
            )
        overwrite = self._random.choice(list(OverwriteInstances))
        for one, outcome in zip(entries, self._index.ingest.add(entries, overwrite=overwrite), strict=True):
            self.stored.add(one.object.key)
            if outcome.superseded is not None:
                self.given_back.add(outcome.superseded.key)

    def remove(self) -> None:
        level = self._random.choice(
            [Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE, Level.INSTANCE]
        )
        ids = self._index.catalogue.ids(level)
        if ids:
            with suppress(UnknownResourceError):
                removal = self._index.eraser.remove(level, self._random.choice(ids))
                self.given_back.update(ref.key for ref in removal.objects)

    def remove_pins(self) -> None:
        pins = list(self._index.catalogue.pins(Level.PATIENT, "0p"))
        chosen = self._random.sample(pins, min(2, len(pins)))
        self.given_back.update(ref.key for ref in self._index.eraser.remove_instances(chosen))


def check_threads(index: Index, seed: int, steps: int) -> None:
    workers = [Worker(index, number, seed) for number in range(3)]
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: worker.run(steps), workers))
    assert_hierarchy_is_true(index)
    stored = {one for worker in workers for one in worker.stored}
    given_back = {one for worker in workers for one in worker.given_back}
    there = stored_objects(index)
    assert stored - there <= given_back
    assert not there & given_back
    for patient in index.catalogue.ids(Level.PATIENT):
        index.eraser.remove(Level.PATIENT, patient)
    assert all(index.catalogue.ids(level) == [] for level in Level)


@pytest.fixture
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "SHARDS", "01")


@pytest.mark.parametrize("seed", range(1))
def test_several_clients_at_once(index: Index, few_shards: None, seed: int) -> None:
    check_threads(index, seed, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10, 40))
def test_several_clients_for_long(index: Index, few_shards: None, seed: int) -> None:
    check_threads(index, seed, steps=40)


def check_deaths(client: DynamoDBClient, seed: int, steps: int) -> None:
    """Let clients die anywhere, and check that no resource is without its parents.

    A delete of several instances that died may leave a series without any, where another
    client deleted the rest meanwhile: then the next delete takes it away.
    """
    table, chance = make_table(client), random.Random(seed)  # noqa: S311 - a test that can be repeated

    def around(_: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if chance.random() < 0.02:
            raise CrashError
        return answer

    workers = [
        Worker(dynamo_index(intercepted(client, around), table, concurrency=1), number, seed)
        for number in range(3)
    ]
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: worker.run(steps), workers))
    index = dynamo_index(client, table, concurrency=1)
    assert_hierarchy_is_true(index, all_have_children=False)
    for patient in index.catalogue.ids(Level.PATIENT):
        index.eraser.remove(Level.PATIENT, patient)
    assert not any("Listing" in item for item in items(client, table))


@pytest.mark.parametrize("seed", range(1))
def test_several_clients_that_die(dynamodb: DynamoDBClient, few_shards: None, seed: int) -> None:
    check_deaths(dynamodb, seed, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10, 40))
def test_several_clients_that_die_often(dynamodb: DynamoDBClient, few_shards: None, seed: int) -> None:
    check_deaths(dynamodb, seed, steps=40)


def test_one_instance_uploaded_by_many_at_once_is_stored_once(index: Index) -> None:
    entries = [entry(version=str(number)) for number in range(4)]
    with ThreadPoolExecutor(len(entries)) as pool:
        outcomes = list(
            pool.map(lambda one: index.ingest.add([one], overwrite=OverwriteInstances.NEVER)[0], entries)
        )
    assert sorted(outcome.status.value for outcome in outcomes) == ["AlreadyStored"] * 3 + ["Success"]
    superseded = {outcome.superseded.key for outcome in outcomes if outcome.superseded}
    assert stored_objects(index) == {one.object.key for one in entries} - superseded
    assert_hierarchy_is_true(index)


def test_metadata_written_by_many_at_once_count_every_change(index: Index) -> None:
    index.ingest.add([entry()], overwrite=OverwriteInstances.NEVER)
    index.annotations.set_metadata(Level.STUDY, "0t", "My", "0", expected=None)

    def write(_: int) -> int:
        won = 0
        for revision in range(6):
            with suppress(ConflictError):
                index.annotations.set_metadata(Level.STUDY, "0t", "My", "x", expected=revision)
                won += 1
        return won

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(write, range(3))) == 6
    study = index.catalogue.get(Level.STUDY, "0t")
    assert study is not None
    assert study.metadata["My"].revision == 6
