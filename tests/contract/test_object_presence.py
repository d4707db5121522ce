"""Whether objects are there: what a job asks before it deletes what they replace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.model.resources import ObjectRef
from dicomorph.ports.objects import ObjectStore


def test_objects_are_stored_until_one_of_them_is_discarded(store: ObjectStore) -> None:
    refs = [store.put(f"instances/ab/{number}.dcm", b"DICM") for number in range(40)]
    assert store.are_stored(refs)
    assert store.are_stored([])
    assert not store.are_stored([*refs, ObjectRef("instances/cd/unknown.dcm", "", 4)])
    store.discard(refs[17:18], pinned=False)
    assert not store.are_stored(refs)
    assert store.are_stored([*refs[:17], *refs[18:]])


def test_what_only_a_pin_keeps_is_not_stored(store: ObjectStore) -> None:
    ref = store.put("instances/ab/1.dcm", b"DICM")
    store.discard([ref], pinned=True)
    assert not store.are_stored([ref])


@pytest.mark.parametrize("version", ["", "null"])
def test_any_version_will_do(store: ObjectStore, version: str) -> None:
    # A task that runs twice writes the same bytes again; the entry may name either version.
    ref = replace(store.put("instances/ab/1.dcm", b"DICM"), version=version)
    store.put("instances/ab/1.dcm", b"DICM")
    assert store.are_stored([ref])
