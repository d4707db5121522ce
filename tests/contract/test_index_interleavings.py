"""The hierarchy stays true whatever comes between two steps, and wherever a process dies.

Only DynamoDB has steps: a call of the SQLite index is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from dicomorph.aws.dynamodb import keys
from dicomorph.aws.dynamodb.keys import Item
from dicomorph.aws.index.roles import dynamo_index
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import InstanceEntry, Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index
from tests.contract.indexes import CrashError, after_call, crash, entry, intercepted, items, make_table, pin

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HELD = (entry("0i"), entry("1i"))
"""Stored before each test: one series of two, or of one."""


@pytest.fixture(autouse=True)
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of these tests start with 0 or 1: spare the other partitions."""
    monkeypatch.setattr(keys, "SHARDS", "01")


@dataclass
class Log:
    """What was acknowledged: objects stored, and objects given back for deletion."""

    stored: set[str] = field(default_factory=set)
    given_back: set[str] = field(default_factory=set)


Operation = Callable[[Index, Log], None]


def adding(*entries: InstanceEntry, overwrite: OverwriteInstances = OverwriteInstances.NEVER) -> Operation:
    def add(index: Index, log: Log) -> None:
        for one, outcome in zip(entries, index.ingest.add(entries, overwrite=overwrite), strict=True):
            log.stored.add(one.object.key)
            if outcome.superseded is not None:
                log.given_back.add(outcome.superseded.key)

    return add


def removing(level: Level, resource_id: str) -> Operation:
    def remove(index: Index, log: Log) -> None:
        with suppress(UnknownResourceError):
            log.given_back.update(ref.key for ref in index.eraser.remove(level, resource_id).objects)

    return remove


def removing_pins(*entries: InstanceEntry) -> Operation:
    def remove(index: Index, log: Log) -> None:
        log.given_back.update(ref.key for ref in index.eraser.remove_instances([pin(one) for one in entries]))

    return remove


ALWAYS = OverwriteInstances.ALWAYS
OPERATIONS: dict[str, Operation] = {
    "add to the series": adding(entry("0i2")),
    "add to the study": adding(entry("1i3", series="1s")),
    "add to the patient": adding(entry("1i4", series="0s4", study="1t")),
    "add several": adding(entry("0i5"), entry("0i6"), entry("0i7", series="0s7", study="1t")),
    "upload again": adding(entry("0i", version="2")),
    "overwrite": adding(entry("0i", version="3"), entry("1i", version="3"), overwrite=ALWAYS),
    "remove one instance": removing(Level.INSTANCE, "0i"),
    "remove the other instance": removing(Level.INSTANCE, "1i"),
    "remove the series": removing(Level.SERIES, "0s"),
    "remove the study": removing(Level.STUDY, "0t"),
    "remove the patient": removing(Level.PATIENT, "0p"),
    "remove pinned instances": removing_pins(*HELD),
}
USUAL = [
    ("add to the study", "remove the patient"),
    ("remove one instance", "add to the series"),
    ("remove one instance", "remove the other instance"),
]


def assert_nothing_is_lost(found: list[Item], log: Log) -> None:
    """Check that what was acknowledged is still there, or was given back to be deleted."""
    there = {item["ObjectKey"]["S"] for item in found if "ObjectKey" in item}
    assert log.stored - there <= log.given_back
    assert not there & log.given_back


def assert_no_leftovers(found: list[Item]) -> None:
    """Check that there is a resource for each link, and nothing pending."""
    assert not any("Pending" in item for item in found)
    ids = {item["Id"]["S"] for item in found if "Id" in item}
    assert all(item["SK"]["S"] in ids for item in found if "#children" in item["PK"]["S"])


def assert_items_are_true(found: list[Item]) -> None:
    """Check the hierarchy in the table itself: every link, every parent, every child."""
    live = {(item["PK"]["S"], item["SK"]["S"]): item for item in found if "Listing" in item}
    links = {(item["PK"]["S"], item["SK"]["S"]) for item in found if "#children" in item["PK"]["S"]}
    with_children = set()
    for partition, item in ((partition, item) for (partition, _), item in live.items()):
        level = Level(partition.partition("#")[0])
        if level.parent is None:
            continue
        above = keys.resource_key(level.parent, item[level.parent.value]["S"])["PK"]["S"]
        link = keys.child_key(level.parent, item[level.parent.value]["S"], item["Id"]["S"])
        assert (above, keys.SOLE) in live
        assert (link["PK"]["S"], link["SK"]["S"]) in links
        links.remove((link["PK"]["S"], link["SK"]["S"]))
        with_children.add(above)
    assert with_children == {name for name, _ in live if not name.startswith("Instance#")}
    assert all(name.startswith("Series#") for name, _ in links)  # of pending instances, if at all


def interrupted_at_each_step(
    client: DynamoDBClient, held: int, operation: Operation, interruption: Callable[[Index, Log], None]
) -> Iterator[tuple[Index, str, Log]]:
    """Run an operation as often as it has steps, each time with an interruption after another one."""
    table = make_table(client)
    index = dynamo_index(client, table, concurrency=1)
    before = Log()
    adding(*HELD[:held])(index, before)
    start = items(client, table)
    for step in count():
        log, interrupted = Log(set(before.stored)), False
        refill(client, table, start)

        def interrupt(index: Index = index, log: Log = log) -> None:
            nonlocal interrupted
            interrupted = True
            interruption(index, log)

        with suppress(CrashError):
            operation(
                dynamo_index(intercepted(client, after_call(step, interrupt)), table, concurrency=1), log
            )
        yield index, table, log
        if not interrupted:
            break
    client.delete_table(TableName=table)


def refill(client: DynamoDBClient, table: str, wanted: list[Item]) -> None:
    """Make a table hold these items and no other."""
    surplus = {(item["PK"]["S"], item["SK"]["S"]) for item in items(client, table)}
    surplus -= {(item["PK"]["S"], item["SK"]["S"]) for item in wanted}
    requests: list[Any] = [{"DeleteRequest": {"Key": keys.key(*one)}} for one in surplus]
    requests += [{"PutRequest": {"Item": item}} for item in wanted]
    for at in range(0, len(requests), 25):
        client.batch_write_item(RequestItems={table: requests[at : at + 25]})


def check_pair(client: DynamoDBClient, one: str, other: str, held: int) -> None:
    for _, table, log in interrupted_at_each_step(client, held, OPERATIONS[one], OPERATIONS[other]):
        found = items(client, table)
        assert_items_are_true(found)
        assert_nothing_is_lost(found, log)
        assert_no_leftovers(found)


@pytest.mark.parametrize(("one", "other"), USUAL)
def test_an_operation_between_two_steps_of_another(dynamodb: DynamoDBClient, one: str, other: str) -> None:
    check_pair(dynamodb, one, other, held=2)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("held", [1, 2])
@pytest.mark.parametrize("one", OPERATIONS)
def test_any_operation_between_two_steps_of_any_other(dynamodb: DynamoDBClient, one: str, held: int) -> None:
    for other in OPERATIONS:
        check_pair(dynamodb, one, other, held)


def die(_: Index, __: Log) -> None:
    crash()


@pytest.mark.parametrize("name", ["add to the study", "remove the study"])
def test_a_crash_after_each_step(dynamodb: DynamoDBClient, name: str) -> None:
    check_crashes(dynamodb, name, held=1)


@pytest.mark.slow
@pytest.mark.parametrize("held", [0, 1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_crash_of_any_operation_after_each_step(dynamodb: DynamoDBClient, name: str, held: int) -> None:
    check_crashes(dynamodb, name, held)


def check_crashes(client: DynamoDBClient, name: str, held: int) -> None:
    for step, (index, table, log) in enumerate(interrupted_at_each_step(client, held, OPERATIONS[name], die)):
        assert_items_are_true(items(client, table))  # at once, whether or not anybody tries again
        if step % 2:
            OPERATIONS[name](index, log)
            assert_items_are_true(items(client, table))
        if "remove" not in name:
            assert {one.ancestry.instance for one in HELD[:held]} <= set(index.catalogue.ids(Level.INSTANCE))
        for patient in index.catalogue.ids(Level.PATIENT):
            index.eraser.remove(Level.PATIENT, patient)
        assert not any("Listing" in item for item in items(client, table))


def test_an_upload_that_died_is_finished_by_the_next_one(dynamodb: DynamoDBClient) -> None:
    again = adding(entry("1i3", series="1s", version="2"))
    for index, table, log in interrupted_at_each_step(dynamodb, 1, OPERATIONS["add to the study"], die):
        again(index, log)
        assert index.catalogue.get(Level.INSTANCE, "1i3") is not None
        found = items(dynamodb, table)
        assert_items_are_true(found)
        assert_no_leftovers(found)


def test_an_upload_that_died_holds_no_series_alive(dynamodb: DynamoDBClient) -> None:
    for index, table, log in interrupted_at_each_step(dynamodb, 1, OPERATIONS["add to the series"], die):
        for instance in index.catalogue.ids(Level.INSTANCE):
            removing(Level.INSTANCE, instance)(index, log)
        assert [index.catalogue.ids(level) for level in (Level.PATIENT, Level.STUDY, Level.SERIES)] == [
            [],
            [],
            [],
        ]
        assert [item for item in items(dynamodb, table) if "Listing" in item] == []
