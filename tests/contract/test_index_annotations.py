"""Metadata, labels, main tags that are rebuilt, counters and properties, on each adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dicomorph.model.errors import ConflictError, ParameterOutOfRangeError, UnknownResourceError
from dicomorph.model.resources import LEVELS, Level, LevelFacts, MetadataValue
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index
from tests.contract.indexes import entry

STUDY = (Level.STUDY, "0t")
NONE: frozenset[str] = frozenset()


@pytest.fixture
def filled(index: Index) -> Index:
    metadata = {level: {"MainDicomTagsSignature": "s", "MainDicomSequences": "{}"} for level in LEVELS}
    index.ingest.add([entry(metadata=metadata)], overwrite=OverwriteInstances.NEVER)
    return index


def metadata_of(index: Index) -> dict[str, MetadataValue]:
    study = index.catalogue.get(*STUDY)
    assert study is not None
    return {name: value for name, value in study.metadata.items() if name.startswith("My")}


def test_metadata_count_their_revisions(filled: Index) -> None:
    assert filled.annotations.set_metadata(*STUDY, "My a.b#c", "x", expected=None) == MetadataValue("x", 0)
    assert filled.annotations.set_metadata(*STUDY, "My a.b#c", "", expected=0) == MetadataValue("", 1)
    assert filled.annotations.set_metadata(*STUDY, "My a.b#c", "z" * 3000, expected=1) == MetadataValue(
        "z" * 3000, 2
    )
    assert metadata_of(filled) == {"My a.b#c": MetadataValue("z" * 3000, 2)}
    filled.annotations.remove_metadata(*STUDY, "My a.b#c", expected=2)
    assert metadata_of(filled) == {}
    assert filled.annotations.set_metadata(*STUDY, "My a.b#c", "x", expected=None) == MetadataValue("x", 0)
    filled.annotations.remove_metadata(*STUDY, "My a.b#c", expected=0)
    assert metadata_of(filled) == {}


@pytest.mark.parametrize("expected", [None, 0, 2])
def test_another_revision_is_a_conflict(filled: Index, expected: int | None) -> None:
    filled.annotations.set_metadata(*STUDY, "My", "x", expected=None)
    filled.annotations.set_metadata(*STUDY, "My", "y", expected=0)
    with pytest.raises(ConflictError):
        filled.annotations.set_metadata(*STUDY, "My", "z", expected=expected)
    if expected is not None:
        with pytest.raises(ConflictError):
            filled.annotations.remove_metadata(*STUDY, "My", expected=expected)
    assert metadata_of(filled) == {"My": MetadataValue("y", 1)}


@pytest.mark.parametrize("expected", [0, 1])
def test_metadata_that_are_not_there_have_no_revision(filled: Index, expected: int) -> None:
    with pytest.raises(ConflictError):
        filled.annotations.set_metadata(*STUDY, "My", "x", expected=expected)
    with pytest.raises(ConflictError):
        filled.annotations.remove_metadata(*STUDY, "My", expected=expected)
    assert metadata_of(filled) == {}


@pytest.mark.parametrize("name", ["ModifiedFrom", "MainDicomSequences", "LastUpdate"])
def test_clients_do_not_change_what_the_server_keeps(filled: Index, name: str) -> None:
    before = filled.catalogue.get(*STUDY)
    for expected in (None, 0):
        with pytest.raises(ParameterOutOfRangeError):
            filled.annotations.set_metadata(*STUDY, name, "x", expected=expected)
    with pytest.raises(ParameterOutOfRangeError):
        filled.annotations.remove_metadata(*STUDY, name, expected=0)
    assert filled.catalogue.get(*STUDY) == before


def test_what_the_server_keeps_is_at_revision_0_however_often_it_is_written(filled: Index) -> None:
    for number in "12":
        origin = {Level.STUDY: {"ModifiedFrom": number}}
        filled.ingest.add([entry(f"{number}i", metadata=origin)], overwrite=OverwriteInstances.NEVER)
        of_main_tags = {"MainDicomTagsSignature": number, "MainDicomSequences": number}
        filled.annotations.refresh(*STUDY, LevelFacts({}, of_main_tags))
        study = filled.catalogue.get(*STUDY)
        assert study is not None
        assert {name: study.metadata[name] for name in ("ModifiedFrom", *of_main_tags)} == dict.fromkeys(
            ("ModifiedFrom", *of_main_tags), MetadataValue(number, 0)
        )


def test_labels_come_and_go(filled: Index) -> None:
    filled.annotations.set_labels(*STUDY, add=frozenset({"a", "b-1_"}), remove=NONE)
    filled.annotations.set_labels(*STUDY, add=frozenset({"b-1_", "c"}), remove=frozenset({"a", "unknown"}))
    study = filled.catalogue.get(*STUDY)
    assert study is not None
    assert study.labels == {"b-1_", "c"}
    filled.annotations.set_labels(*STUDY, add=NONE, remove=NONE)


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_written_to_what_does_not_exist(filled: Index, level: Level) -> None:
    with pytest.raises(UnknownResourceError):
        filled.annotations.set_metadata(level, "0x", "My", "x", expected=None)
    with pytest.raises(UnknownResourceError):
        filled.annotations.remove_metadata(level, "0x", "My", expected=0)
    for add in (NONE, frozenset({"a"})):
        with pytest.raises(UnknownResourceError):
            filled.annotations.set_labels(level, "0x", add=add, remove=NONE)
    filled.annotations.refresh(level, "0x", LevelFacts({}))
    assert list(filled.catalogue.find_many(["0x"])) == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_refresh_replaces_main_tags_and_what_belongs_to_them(filled: Index, level: Level) -> None:
    resource_id = entry().ancestry.at(level)
    before = filled.catalogue.get(level, resource_id)
    assert before is not None
    metadata = {"MainDicomTagsSignature": "new", "IndexInSeries": "9"}
    filled.annotations.refresh(
        level, resource_id, LevelFacts({"0008,0060": "CT"}, metadata, {"0010,0010": "New"})
    )
    after = filled.catalogue.get(level, resource_id)
    assert after is not None
    assert after.main_tags == {"0008,0060": "CT"}
    assert after.patient_main_tags == ({"0010,0010": "New"} if level is Level.STUDY else {})
    assert after.metadata["MainDicomTagsSignature"].value == "new"
    assert "MainDicomSequences" not in after.metadata
    assert "IndexInSeries" not in after.metadata
    assert after.metadata.get("LastUpdate") == before.metadata.get("LastUpdate")
    assert (after.parent, after.object) == (before.parent, before.object)
    filled.annotations.refresh(level, resource_id, LevelFacts({}, {"MainDicomSequences": "{1}"}))
    again = filled.catalogue.get(level, resource_id)
    assert again is not None
    assert again.metadata["MainDicomSequences"].value == "{1}"


def test_identifiers_are_listed_in_order_page_by_page(index: Index) -> None:
    names = [f"{first}{second}i" for first in "0a5f" for second in "31"]
    index.ingest.add(
        [entry(name, series=f"{name[0]}s") for name in names], overwrite=OverwriteInstances.NEVER
    )
    assert index.catalogue.ids(Level.INSTANCE) == sorted(names)
    assert index.catalogue.ids(Level.SERIES) == ["0s", "5s", "as", "fs"]
    for since in (0, 1, 3, 7, 8, 9):
        for limit in (0, 1, 2, 8):
            expected = sorted(names)[since : since + limit if limit else None]
            assert index.catalogue.ids(Level.INSTANCE, since=since, limit=limit) == expected


def test_statistics_count_every_level(index: Index) -> None:
    assert index.catalogue.statistics().disk_size == 0
    index.ingest.add(
        [entry(), entry("1i"), entry("ai", series="1s", version="123")], overwrite=OverwriteInstances.NEVER
    )
    counts = index.catalogue.statistics()
    assert (counts.patients, counts.studies, counts.series, counts.instances) == (1, 1, 2, 3)
    assert counts.disk_size == 1001 + 1001 + 1003
    index.eraser.remove(Level.SERIES, "1s")
    assert index.catalogue.statistics().series == 1


def test_counters_start_at_one_and_never_repeat(index: Index) -> None:
    assert [index.properties.next_number("Anonymized") for _ in range(3)] == [1, 2, 3]
    assert index.properties.next_number("Other") == 1


def test_properties_are_kept(index: Index) -> None:
    assert index.properties.read_property("DefaultEncoding") is None
    for value in ("Utf8", "", "x" * 2000):
        index.properties.write_property("DefaultEncoding", value)
        assert index.properties.read_property("DefaultEncoding") == value


def test_of_many_who_establish_a_secret_at_once_all_get_the_same(index: Index) -> None:
    assert index.properties.read_secret("Key") is None
    values = [f"value {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda value: index.properties.establish_secret("Key", value), values))
    assert len(found) == 1
    assert found <= set(values)
    assert index.properties.establish_secret("Key", "later") == index.properties.read_secret("Key")
    assert {index.properties.read_secret("Key")} == found
    assert index.properties.read_property("Key") is None
