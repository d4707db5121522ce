"""What the index names that is to be erased: whatever has lost its entry, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.model.resources import LEVELS, InstanceEntry, Level, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index
from tests.contract.indexes import entry, pin, stored_objects

ALWAYS, NEVER = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER
IDS = dict(zip(LEVELS, ("0p", "0t", "0s", "0i"), strict=True))


def waits(index: Index, *entries: InstanceEntry) -> bool:
    """Tell whether just the objects of some entries wait; on AWS nothing ever does."""
    named = [ref.key for ref in index.outbox.waiting(limit=100)]
    if type(index.outbox).__name__ == "NoOutbox":
        return named == []
    return named == sorted(one.object.key for one in entries)


def product(one: InstanceEntry, position: int = 0) -> InstanceEntry:
    """Return an entry of an object that a job has written."""
    key = f"instances/00/{one.ancestry.instance}/job-000000-{position:06}.dcm"
    return replace(one, object=replace(one.object, key=key))


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_removed_waits(index: Index, level: Level) -> None:
    index.ingest.add([entry(), entry("1i", series="1s", study="1t", patient="1p")], overwrite=NEVER)
    assert waits(index)
    index.eraser.remove(level, IDS[level])
    assert waits(index, entry())


def test_pinned_instances_that_are_removed_wait_whoever_has_removed_them(index: Index) -> None:
    some = [entry(), entry("1i"), entry("2i")]
    index.ingest.add(some, overwrite=NEVER)
    for _ in range(2):
        index.eraser.remove_instances([pin(some[0]), pin(some[1])])
        assert waits(index, *some[:2])
    index.outbox.drop([some[0].object])
    assert waits(index, some[1])


@pytest.mark.parametrize("overwrite", [ALWAYS, NEVER])
def test_what_an_upload_replaces_waits_or_itself(index: Index, overwrite: OverwriteInstances) -> None:
    old, new = entry(version="1"), entry(version="2")
    index.ingest.add([old], overwrite=overwrite)
    index.ingest.add([new], overwrite=overwrite)
    assert waits(index, old if overwrite is ALWAYS else new)
    index.ingest.add([new if overwrite is ALWAYS else old], overwrite=overwrite)  # changes nothing
    assert waits(index, old if overwrite is ALWAYS else new)


@pytest.mark.parametrize("overwrite", [ALWAYS, NEVER])
def test_what_a_job_replaces_does_not_wait(index: Index, overwrite: OverwriteInstances) -> None:
    index.ingest.add([entry()], overwrite=overwrite)
    index.ingest.add([product(entry(tags="new"))], overwrite=overwrite)
    assert waits(index)


def test_a_product_that_is_back_does_not_wait(index: Index) -> None:
    made, other = product(entry()), product(entry("1i"), 1)
    index.ingest.add([made, other], overwrite=NEVER)
    index.eraser.remove(Level.SERIES, "0s")
    assert waits(index, made, other)
    index.ingest.add([made], overwrite=NEVER)
    assert waits(index, other)


def test_a_product_that_is_not_taken_again_goes_on_waiting(index: Index) -> None:
    made = product(entry())
    index.ingest.add([made], overwrite=NEVER)
    index.eraser.remove(Level.SERIES, "0s")
    index.ingest.add([entry(version="9")], overwrite=NEVER)
    index.ingest.add([made], overwrite=NEVER)
    assert waits(index, made)


def test_what_has_an_entry_is_never_named(index: Index) -> None:
    held, gone = entry(), entry("1i")
    index.ingest.add([held], overwrite=NEVER)
    index.outbox.name([held.object, gone.object, gone.object])
    assert waits(index, gone)
    assert stored_objects(index) == {held.object.key}


def test_what_waits_is_told_in_portions(index: Index) -> None:
    some = [entry(f"{number}i") for number in range(5)]
    index.outbox.name([one.object for one in some])
    told: list[ObjectRef] = []
    while found := index.outbox.waiting(after=told[-1].key if told else "", limit=2):
        told += found
    if not waits(index):
        assert [ref.key for ref in told] == sorted(one.object.key for one in some)
    index.outbox.drop(told)
    index.outbox.drop(told)
    assert index.outbox.waiting(limit=9) == []


def test_only_what_certainly_has_no_entry_is_unclaimed(index: Index) -> None:
    held, gone = entry(), entry(version="2")
    index.ingest.add([held], overwrite=NEVER)
    assert index.outbox.unclaimed([held.object]) == []
    assert index.outbox.unclaimed([gone.object, held.object]) in ([gone.object], [])
