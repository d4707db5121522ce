"""Many resources in one call of the catalogue."""

from __future__ import annotations

from dicomorph.model.metadata_names import INDEX_IN_SERIES
from dicomorph.model.resources import LEVELS, Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Child, Index
from tests.contract.indexes import entry


def store(index: Index) -> None:
    """Store two studies: one with two series, of two instances and one, and one with one series."""
    places = [("0i", "0s", "0t"), ("1i", "0s", "0t"), ("2i", "1s", "0t"), ("5i", "2s", "1t")]
    entries = [
        entry(
            name,
            series=series,
            study=study,
            metadata={Level.INSTANCE: {INDEX_IN_SERIES: str(number)} if number else {}},
        )
        for number, (name, series, study) in enumerate(places)
    ]
    index.ingest.add(entries, overwrite=OverwriteInstances.NEVER)


def by_parent(index: Index, level: Level, *parents: str, unchecked: bool = False) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in index.catalogue.children_of(level, parents, unchecked=unchecked):
        found.setdefault(child.parent, []).append(child.id)
    return found


def test_the_children_of_many_are_told_apart(index: Index) -> None:
    store(index)
    assert by_parent(index, Level.PATIENT, "0p", "unknown") == {"0p": ["0t", "1t"]}
    assert by_parent(index, Level.STUDY, "1t", "0t") == {"0t": ["0s", "1s"], "1t": ["2s"]}
    for unchecked in (False, True):
        found = by_parent(index, Level.SERIES, "0s", "2s", "0t", unchecked=unchecked)
        assert found == {"0s": ["0i", "1i"], "2s": ["5i"]}
    assert by_parent(index, Level.INSTANCE, "0i") == {}
    assert by_parent(index, Level.SERIES) == {}


def test_instances_are_told_with_their_indexes(index: Index) -> None:
    store(index)
    assert list(index.catalogue.children_of(Level.SERIES, ["0s"])) == [
        Child("0s", "0i"),
        Child("0s", "1i", "1"),
    ]


def test_what_was_deleted_is_nobodys_child(index: Index) -> None:
    store(index)
    index.eraser.remove(Level.INSTANCE, "0i")
    assert by_parent(index, Level.SERIES, "0s", "1s") == {"0s": ["1i"], "1s": ["2i"]}
    index.eraser.remove(Level.SERIES, "1s")
    assert by_parent(index, Level.STUDY, "0t", "1t") == {"0t": ["0s"], "1t": ["2s"]}


def test_many_are_read_as_each_is_alone(index: Index) -> None:
    store(index)
    catalogue = index.catalogue
    wanted = ["1i", "0s", "unknown", "0t", "0p", "1i", "5i"]
    alone = {level: {one: catalogue.get(level, one) for one in wanted} for level in LEVELS}
    for level in LEVELS:
        found = list(catalogue.get_many(level, wanted))
        assert {one.id: one for one in found} == {
            name: one for name, one in alone[level].items() if one is not None
        }
        assert len(found) == len({one.id for one in found})
    everywhere = list(catalogue.find_many(wanted))
    assert sorted(one.id for one in everywhere) == ["0p", "0s", "0t", "1i", "5i"]
    assert all(alone[one.level][one.id] == one for one in everywhere)
