"""What the index makes of uploads, on each adapter."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dicomorph.model.resources import LEVELS, InstanceEntry, Level, MetadataValue
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index, StoreOutcome, StoreStatus
from tests.contract.indexes import assert_hierarchy_is_true, entry, pin

ALWAYS, NEVER, IF_CHANGED = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER, OverwriteInstances.IF_CHANGED
SUCCESS = StoreOutcome(StoreStatus.SUCCESS)


def test_an_instance_creates_its_parents(index: Index) -> None:
    one = entry(metadata={Level.SERIES: {"ExpectedNumberOfInstances": "3"}})
    assert index.ingest.add([one], overwrite=NEVER) == [SUCCESS]
    for level, parent in zip(LEVELS, (None, "0p", "0t", "0s"), strict=True):
        resource = index.catalogue.get(level, one.ancestry.at(level))
        assert resource is not None
        assert (resource.level, resource.id, resource.parent) == (level, one.ancestry.at(level), parent)
        assert resource.main_tags == one.facts[level].main_tags
        assert ("LastUpdate" in resource.metadata) == (level is not Level.INSTANCE)
        assert all(value.revision == 0 for value in resource.metadata.values())
        assert resource.patient_main_tags == (
            one.facts[Level.PATIENT].main_tags if level is Level.STUDY else {}
        )
        assert resource.object == (one.object if level is Level.INSTANCE else None)
        assert resource.md5 == (one.md5 if level is Level.INSTANCE else "")
    series = index.catalogue.get(Level.SERIES, "0s")
    assert series is not None
    assert series.metadata["ExpectedNumberOfInstances"] == MetadataValue("3", 0)
    assert_hierarchy_is_true(index)


@pytest.mark.parametrize("crc32", [0, 1, 0xFFFFFFFF, None])
def test_the_checksum_of_an_object_is_kept_with_it(index: Index, crc32: int | None) -> None:
    one = entry()
    one = replace(one, object=replace(one.object, crc32=crc32))
    index.ingest.add([one], overwrite=NEVER)
    held = index.catalogue.get(Level.INSTANCE, "0i")
    assert held is not None
    pins = [*index.catalogue.pins(Level.PATIENT, "0p"), *index.catalogue.pins_of(["0i"])]
    [replaced] = index.ingest.add([entry(version="22")], overwrite=ALWAYS)
    [removed] = index.eraser.remove(Level.INSTANCE, "0i").objects
    found = [held.object, *(pin.object for pin in pins), replaced.superseded]
    assert [ref and (ref, ref.crc32) for ref in found] == [(one.object, crc32)] * 4
    assert removed.crc32 is None


def test_resources_are_found_whatever_their_level_and_only_there(index: Index) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    for level, resource_id in zip(LEVELS, ("0p", "0t", "0s", "0i"), strict=True):
        assert list(index.catalogue.find_many([resource_id])) == [index.catalogue.get(level, resource_id)]
        assert all(index.catalogue.get(other, resource_id) is None for other in LEVELS if other is not level)
    assert list(index.catalogue.find_many(["0x"])) == []


def test_many_resources_are_found_at_once_whatever_their_levels(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.aws.index.catalogue._AT_ONCE", 160)  # so that several turns are taken
    index.ingest.add([entry(f"i{number:03}") for number in range(120)], overwrite=NEVER)
    instances = [f"i{number:03}" for number in range(120)]
    found = {
        resource.id: resource for resource in index.catalogue.find_many(["0x", "0p", "0s", *instances, "0p"])
    }
    held = [index.catalogue.get(Level.PATIENT, "0p"), index.catalogue.get(Level.SERIES, "0s")]
    held += [index.catalogue.get(Level.INSTANCE, one) for one in instances]
    assert found == {resource.id: resource for resource in held if resource is not None}
    assert len(found) == 122
    assert list(index.catalogue.find_many([])) == []
    assert len(list(index.catalogue.find_many(["0t", "0t"]))) == 1


def test_the_first_instance_decides_on_the_main_tags_of_its_parents(index: Index) -> None:
    index.ingest.add([entry(tags="first")], overwrite=NEVER)
    index.ingest.add([entry("1i", tags="second"), entry("2i", series="1s", tags="third")], overwrite=NEVER)
    for level, resource_id, tags in (
        (Level.PATIENT, "0p", "first"),
        (Level.STUDY, "0t", "first"),
        (Level.SERIES, "0s", "first"),
        (Level.SERIES, "1s", "third"),
        (Level.INSTANCE, "1i", "second"),
    ):
        resource = index.catalogue.get(level, resource_id)
        assert resource is not None
        assert resource.main_tags["0010,0010"] == f"{tags} {level.value}"


def test_many_instances_at_once_over_several_patients(index: Index) -> None:
    entries = [
        entry(
            f"{number % 3}i{number}",
            series=f"{number % 4}s".replace("3", "a"),
            study=f"{number % 2}t",
            patient=f"{number % 2}p",
        )
        for number in range(8)
    ]
    assert index.ingest.add(entries, overwrite=NEVER) == [SUCCESS] * 8
    assert index.catalogue.children(Level.SERIES, "1s") == ["1i1", "2i5"]
    assert index.catalogue.children(Level.STUDY, "0t") == ["0s", "2s"]
    assert {one.ancestry.instance for one in index.catalogue.pins(Level.PATIENT, "1p")} == {
        "1i1",
        "0i3",
        "2i5",
        "1i7",
    }
    assert_hierarchy_is_true(index)


def test_nothing_to_add_is_nothing_added(index: Index) -> None:
    assert index.ingest.add([], overwrite=NEVER) == []
    assert index.catalogue.ids(Level.PATIENT) == []


def test_what_is_stored_already_stays_and_gives_the_new_object_back(index: Index) -> None:
    index.ingest.add([entry(tags="old")], overwrite=NEVER)
    new = entry(version="2", tags="new")
    assert index.ingest.add([new], overwrite=NEVER) == [StoreOutcome(StoreStatus.ALREADY_STORED, new.object)]
    held = index.catalogue.get(Level.INSTANCE, "0i")
    assert held is not None
    assert held.object == entry().object
    assert held.main_tags["0010,0010"] == "old Instance"


@pytest.mark.parametrize("overwrite", OverwriteInstances)
def test_adding_the_same_object_again_is_a_success_that_changes_nothing(
    index: Index, overwrite: OverwriteInstances
) -> None:
    index.ingest.add([entry()], overwrite=overwrite)
    index.annotations.set_labels(Level.INSTANCE, "0i", add=frozenset({"mine"}), remove=frozenset())
    before = index.catalogue.get(Level.INSTANCE, "0i")
    assert index.ingest.add([entry(tags="other")], overwrite=overwrite) == [SUCCESS]
    assert index.catalogue.get(Level.INSTANCE, "0i") == before


@pytest.mark.parametrize("overwrite", [ALWAYS, IF_CHANGED])
def test_a_replacement_drops_labels_and_metadata(index: Index, overwrite: OverwriteInstances) -> None:
    index.ingest.add([entry()], overwrite=overwrite)
    index.annotations.set_labels(Level.INSTANCE, "0i", add=frozenset({"mine"}), remove=frozenset())
    index.annotations.set_metadata(Level.INSTANCE, "0i", "MyMetadata", "x", expected=None)
    new = entry(version="2", tags="new", metadata={Level.INSTANCE: {"IndexInSeries": "4"}})
    assert index.ingest.add([new], overwrite=overwrite) == [StoreOutcome(StoreStatus.SUCCESS, entry().object)]
    held = index.catalogue.get(Level.INSTANCE, "0i")
    assert held is not None
    assert (held.object, held.labels) == (new.object, frozenset())
    assert held.metadata == {"IndexInSeries": MetadataValue("4", 0)}
    assert held.main_tags["0010,0010"] == "new Instance"
    assert index.catalogue.children(Level.SERIES, "0s") == ["0i"]


def test_an_unchanged_file_is_stored_already_where_only_changes_count(index: Index) -> None:
    index.ingest.add([entry(md5="same")], overwrite=IF_CHANGED)
    new = entry(version="2", md5="same")
    assert index.ingest.add([new], overwrite=IF_CHANGED) == [
        StoreOutcome(StoreStatus.ALREADY_STORED, new.object)
    ]


def test_one_call_may_name_an_instance_twice(index: Index) -> None:
    one, two = entry(), entry(version="2")
    assert index.ingest.add([one, two], overwrite=NEVER) == [
        SUCCESS,
        StoreOutcome(StoreStatus.ALREADY_STORED, two.object),
    ]
    three = entry(version="3")
    assert index.ingest.add([one, three], overwrite=ALWAYS) == [
        SUCCESS,
        StoreOutcome(StoreStatus.SUCCESS, one.object),
    ]


def test_origins_and_labels_reach_parents_that_exist(index: Index) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    origin = {Level.STUDY: {"ModifiedFrom": "0x", "RemoteAET": "no"}}
    index.ingest.add(
        [entry("1i", metadata=origin, labels={Level.STUDY: frozenset({"a", "b"})})], overwrite=NEVER
    )
    study = index.catalogue.get(Level.STUDY, "0t")
    assert study is not None
    assert study.metadata["ModifiedFrom"].value == "0x"
    assert "RemoteAET" not in study.metadata
    assert study.labels == {"a", "b"}
    index.ingest.add([entry("2i", metadata={Level.STUDY: {"ModifiedFrom": "0y"}})], overwrite=NEVER)
    study = index.catalogue.get(Level.STUDY, "0t")
    assert study is not None
    assert study.metadata["ModifiedFrom"].value == "0y"


def from_source(source: str, instance: str = "0i", *, version: str = "1") -> InstanceEntry:
    """Return an entry that says of its patient where it comes from, and has a label for it."""
    return entry(
        instance,
        version=version,
        metadata={Level.PATIENT: {"ModifiedFrom": source}},
        labels={Level.PATIENT: frozenset({source})},
    )


@pytest.mark.parametrize(
    "entries",
    [
        [from_source("a", "1i"), from_source("b", "2i")],
        [from_source("a", version="2"), from_source("b", "1i")],
        [from_source("a", "1i"), from_source("b", version="2")],
        [from_source("c", "1i"), from_source("a", "1i", version="2"), from_source("b", "2i")],
    ],
    ids=["new", "replacing, then new", "new, then replacing", "one twice"],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_every_entry_of_a_call_tells_its_parents_and_the_last_one_prevails(
    index: Index, entries: list[InstanceEntry], *, is_new: bool
) -> None:
    if not is_new:
        index.ingest.add([entry()], overwrite=NEVER)
    index.ingest.add(entries, overwrite=ALWAYS)
    patient = index.catalogue.get(Level.PATIENT, "0p")
    assert patient is not None
    assert patient.metadata["ModifiedFrom"] == MetadataValue("b", 0)
    assert patient.labels >= {"a", "b"}


def test_what_was_replaced_is_told_once(index: Index) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    new = entry(version="2")
    assert index.ingest.add([new, new], overwrite=ALWAYS) == [
        StoreOutcome(StoreStatus.SUCCESS, entry().object),
        SUCCESS,
    ]


def test_labels_of_a_first_instance(index: Index) -> None:
    index.ingest.add([entry(labels={level: frozenset({level.value}) for level in LEVELS})], overwrite=NEVER)
    for level, resource_id in zip(LEVELS, ("0p", "0t", "0s", "0i"), strict=True):
        resource = index.catalogue.get(level, resource_id)
        assert resource is not None
        assert resource.labels == {level.value}


@pytest.mark.parametrize("text", ["", "ö日本", "x" * 5000, "lone \udcff surrogate"])
def test_values_come_back_as_they_were(index: Index, text: str) -> None:
    index.ingest.add([entry(tags=text, metadata={Level.SERIES: {"RemoteAET": text}})], overwrite=NEVER)
    series = index.catalogue.get(Level.SERIES, "0s")
    assert series is not None
    assert series.main_tags["0010,0010"] == f"{text} Series"
    assert series.metadata["RemoteAET"].value == text


def test_long_sequences_among_the_main_tags(index: Index) -> None:
    sequences = json.dumps({"Sequences": {"0040,0275": ["item"] * 100_000}})
    index.ingest.add([entry(metadata={Level.SERIES: {"MainDicomSequences": sequences}})], overwrite=NEVER)
    series = index.catalogue.get(Level.SERIES, "0s")
    assert series is not None
    assert series.metadata["MainDicomSequences"].value == sequences


def test_a_pin_names_the_version_at_that_moment(index: Index) -> None:
    index.ingest.add([entry()], overwrite=NEVER)
    assert list(index.catalogue.pins(Level.INSTANCE, "0i")) == [pin(entry())]
    index.ingest.add([entry(version="2")], overwrite=ALWAYS)
    assert list(index.catalogue.pins(Level.STUDY, "0t")) == [pin(entry(version="2"))]
    assert list(index.catalogue.pins(Level.STUDY, "0x")) == []
    assert list(index.catalogue.pins(Level.INSTANCE, "0x")) == []
