"""What the index takes away, on each adapter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import LEVELS, InstanceEntry, Level, Pin
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index, Removal
from tests.contract.indexes import INDEXES, assert_hierarchy_is_true, entry, make_index, pin

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEVER = OverwriteInstances.NEVER
IDS = ("0p", "0t", "0s", "0i")
LINE = list(zip(LEVELS, IDS, strict=True))


@pytest.mark.parametrize(("level", "resource_id"), LINE)
def test_removing_the_only_line_leaves_nothing(index: Index, level: Level, resource_id: str) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    assert index.eraser.remove(level, resource_id) == Removal(None, [entry().object])
    assert all(index.catalogue.get(*line) is None for line in LINE)
    assert all(index.catalogue.ids(each) == [] for each in LEVELS)


@pytest.mark.parametrize(
    ("level", "sibling", "remaining"),
    [
        (Level.INSTANCE, entry("1i"), (Level.SERIES, "0s")),
        (Level.INSTANCE, entry("1i", series="1s"), (Level.STUDY, "0t")),
        (Level.SERIES, entry("1i", series="1s"), (Level.STUDY, "0t")),
        (Level.INSTANCE, entry("1i", series="1s", study="1t"), (Level.PATIENT, "0p")),
        (Level.STUDY, entry("1i", series="1s", study="1t"), (Level.PATIENT, "0p")),
        (Level.PATIENT, entry("1i", series="1s", study="1t", patient="1p"), None),
    ],
)
def test_the_lowest_ancestor_with_other_children_remains(
    index: Index, level: Level, sibling: InstanceEntry, remaining: tuple[Level, str] | None
) -> None:
    index.ingest.add([entry(), sibling], overwrite=NEVER)
    assert index.eraser.remove(level, entry().ancestry.at(level)) == Removal(remaining, [entry().object])
    assert index.catalogue.get(Level.INSTANCE, "0i") is None
    assert index.catalogue.get(Level.INSTANCE, "1i") is not None
    assert_hierarchy_is_true(index)


def test_everything_below_goes_along(index: Index) -> None:
    entries = [entry(f"{number % 3}i{number}", series=f"{number % 2}s") for number in range(6)]
    index.ingest.add([*entries, entry("fi", series="fs", study="ft")], overwrite=NEVER)
    removal = index.eraser.remove(Level.STUDY, "0t")
    assert removal.remaining == (Level.PATIENT, "0p")
    assert set(removal.objects) == {one.object for one in entries}
    assert index.catalogue.ids(Level.INSTANCE) == ["fi"]
    assert_hierarchy_is_true(index)


@pytest.mark.parametrize("level", LEVELS)
def test_what_does_not_exist_at_a_level_cannot_be_removed(index: Index, level: Level) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    for resource_id in {*IDS, "0x"} - {entry().ancestry.at(level)}:
        with pytest.raises(UnknownResourceError):
            index.eraser.remove(level, resource_id)
    assert index.catalogue.ids(Level.INSTANCE) == ["0i"]


def test_what_was_removed_can_come_back(index: Index) -> None:
    index.ingest.add([entry(tags="old")], overwrite=NEVER)
    index.eraser.remove(Level.PATIENT, "0p")
    index.ingest.add([entry(tags="new")], overwrite=NEVER)
    patient = index.catalogue.get(Level.PATIENT, "0p")
    assert patient is not None
    assert patient.main_tags["0010,0010"] == "new Patient"
    assert_hierarchy_is_true(index)


def test_pinned_instances_go_only_at_their_version(index: Index) -> None:
    index.ingest.add([entry(), entry("1i"), entry("2i", series="1s")], overwrite=NEVER)
    index.ingest.add([entry("1i", version="2")], overwrite=OverwriteInstances.ALWAYS)
    removed = index.eraser.remove_instances([pin(entry()), pin(entry("1i")), pin(entry("2i", series="1s"))])
    assert {entry().object, entry("2i", series="1s").object} <= set(removed)
    assert entry("1i", version="2").object not in removed
    assert index.catalogue.ids(Level.INSTANCE) == ["1i"]
    assert_hierarchy_is_true(index)


def test_removing_pinned_instances_again_is_harmless(index: Index) -> None:
    index.ingest.add([entry(), entry("1i")], overwrite=NEVER)
    pins = [pin(entry()), pin(entry("1i"))]
    assert set(index.eraser.remove_instances(pins)) == {entry().object, entry("1i").object}
    index.eraser.remove_instances(pins)
    assert index.catalogue.ids(Level.PATIENT) == []
    index.ingest.add([entry(version="2")], overwrite=NEVER)
    index.eraser.remove_instances(pins)
    assert index.catalogue.ids(Level.INSTANCE) == ["0i"]
    assert index.eraser.remove_instances([]) == []


def test_an_object_that_was_written_again_is_another_one_where_that_is_asked(
    tmp_path: Path, dynamodb: DynamoDBClient
) -> None:
    index = make_index("dynamodb", tmp_path, dynamodb)
    one = entry()
    held = replace(one, object=replace(one.object, version="v2"))
    index.ingest.add([held], overwrite=NEVER)
    index.eraser.remove_instances([Pin(one.ancestry, replace(one.object, version="v1"))], exactly=True)
    assert index.catalogue.ids(Level.INSTANCE) == ["0i"]
    index.eraser.remove_instances([Pin(one.ancestry, replace(one.object, version="v1"))])
    assert index.catalogue.ids(Level.INSTANCE) == []


@pytest.mark.parametrize("exactly", [False, True])
def test_what_is_at_its_pinned_version_goes(index: Index, exactly: bool) -> None:  # noqa: FBT001
    index.ingest.add([entry(), entry("1i")], overwrite=NEVER)
    index.eraser.remove_instances([pin(entry()), pin(entry("1i", version="2"))], exactly=exactly)
    assert index.catalogue.ids(Level.INSTANCE) == ["1i"]


@pytest.mark.parametrize("adapter", INDEXES)
def test_pins_that_nothing_is_at_change_nothing(
    adapter: str, tmp_path: Path, dynamodb: DynamoDBClient
) -> None:
    hours = iter(range(24))
    index = make_index(adapter, tmp_path, dynamodb, now=lambda: datetime(2024, 1, 2, next(hours), tzinfo=UTC))
    index.ingest.add([entry()], overwrite=NEVER)
    before = [index.catalogue.get(*line) for line in LINE]
    index.eraser.remove_instances([pin(entry(version="2")), pin(entry("1i")), pin(entry("2i", series="1s"))])
    assert [index.catalogue.get(*line) for line in LINE] == before, "LastUpdate of the parents included"
