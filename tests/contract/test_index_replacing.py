"""Entries that are meant for one version of an instance, and versions that are stored twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.model.resources import InstanceEntry, Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index, StoreOutcome, StoreStatus
from tests.contract.indexes import after_call, entry, intercepted, make_table, pin, stored_objects

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ALWAYS, NEVER = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER
OLD = entry(version="1")
NEW = entry(version="3", tags="new")
EDITED = replace(entry(version="2", tags="edited"), replaces=OLD.object)


def add(index: Index, one: InstanceEntry, overwrite: OverwriteInstances = ALWAYS) -> StoreOutcome:
    (outcome,) = index.ingest.add([one], overwrite=overwrite)
    return outcome


def test_an_edited_instance_takes_the_place_of_the_one_it_was_made_from(index: Index) -> None:
    add(index, OLD)
    assert add(index, EDITED) == StoreOutcome(StoreStatus.SUCCESS, OLD.object)
    assert add(index, EDITED) == StoreOutcome(StoreStatus.SUCCESS)
    assert stored_objects(index) == {EDITED.object.key}


def test_an_edited_instance_leaves_another_version_alone(index: Index) -> None:
    add(index, OLD)
    add(index, NEW)
    assert add(index, EDITED) == StoreOutcome(StoreStatus.FAILURE, EDITED.object)
    assert stored_objects(index) == {NEW.object.key}


def test_an_edited_instance_does_not_come_back(index: Index) -> None:
    assert add(index, EDITED) == StoreOutcome(StoreStatus.FAILURE, EDITED.object)
    other = entry("1i")
    outcomes = index.ingest.add([EDITED, other], overwrite=ALWAYS)
    assert [one.status for one in outcomes] == [StoreStatus.FAILURE, StoreStatus.SUCCESS]
    assert index.catalogue.ids(Level.INSTANCE) == ["1i"]


def test_where_nothing_is_overwritten_an_edited_instance_is_not_either(index: Index) -> None:
    add(index, OLD)
    assert add(index, EDITED, NEVER) == StoreOutcome(StoreStatus.ALREADY_STORED, EDITED.object)
    assert stored_objects(index) == {OLD.object.key}


def rewritten(one: InstanceEntry, version: str) -> InstanceEntry:
    """Return an entry as a task makes it that runs twice: the same object in another version of S3's."""
    return replace(one, object=replace(one.object, version=version))


@pytest.mark.parametrize("overwrite", list(OverwriteInstances))
def test_the_same_object_written_twice_changes_nothing(index: Index, overwrite: OverwriteInstances) -> None:
    add(index, rewritten(OLD, "a"))
    index.annotations.set_labels(Level.INSTANCE, "0i", add=frozenset({"seen"}), remove=frozenset())
    assert add(index, rewritten(OLD, "b"), overwrite) == StoreOutcome(StoreStatus.SUCCESS)
    found = index.catalogue.get(Level.INSTANCE, "0i")
    assert found is not None
    assert found.labels == {"seen"}


def test_the_same_object_written_twice_is_removed_by_either_pin(index: Index) -> None:
    add(index, rewritten(OLD, "b"))
    index.eraser.remove_instances([pin(rewritten(OLD, "a"))])
    assert index.catalogue.ids(Level.PATIENT) == []


@pytest.mark.parametrize("one", [NEW, EDITED], ids=["upload", "edited"])
def test_a_replacement_whose_answer_is_lost_tells_what_it_replaced(
    dynamodb: DynamoDBClient, one: InstanceEntry
) -> None:
    """The client repeats a put that nobody answered, and is told that its condition does not hold."""
    table = make_table(dynamodb)
    add(dynamo_index(dynamodb, table, concurrency=1), OLD)
    puts = count()

    def twice(name: str, call: Any) -> Any:
        if name == "put_item" and next(puts) == (1 if one is NEW else 0):  # an upload claims first
            call()
        return call()

    index = dynamo_index(intercepted(dynamodb, twice), table, concurrency=1)
    assert add(index, one) == StoreOutcome(StoreStatus.SUCCESS, OLD.object)
    assert stored_objects(index) == {one.object.key}


@pytest.mark.parametrize("call", range(3))
def test_an_edited_instance_that_is_replaced_or_deleted_in_this_moment(
    dynamodb: DynamoDBClient, call: int
) -> None:
    for meddle in (lambda index: add(index, NEW), lambda index: index.eraser.remove(Level.INSTANCE, "0i")):
        table = make_table(dynamodb)
        plain = dynamo_index(dynamodb, table, concurrency=1)
        add(plain, OLD)
        add(plain, entry("1i"))
        hooked = intercepted(dynamodb, after_call(call, lambda plain=plain, meddle=meddle: meddle(plain)))  # type: ignore[misc]
        outcome = add(dynamo_index(hooked, table, concurrency=1), EDITED)
        if call:  # it was stored before
            assert outcome == StoreOutcome(StoreStatus.SUCCESS, OLD.object)
        else:
            assert outcome == StoreOutcome(StoreStatus.FAILURE, EDITED.object)
        assert EDITED.object.key not in stored_objects(plain)
