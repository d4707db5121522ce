"""The document that tells which instances a job has."""

from __future__ import annotations

import random

import pytest

from dicomorph.dicom.engine.moved_instances import MovedInstances, PackedInstances, Packing, Place
from dicomorph.jobs.moved_sources import MovedSources, encode_moved_sources, read_moved_sources

KEY = b"0123456789abcdef"
UIDS = [f"1.2.840.{number}" for number in range(2_000)]
PLACES = [Place("1.1", f"1.1.{number}") for number in range(20)]


def written() -> MovedSources:
    """Return two thousand instances in twenty series, every tenth of which is copied once more."""
    packings = [Packing(KEY), Packing(KEY)]
    for number, one in enumerate(UIDS):
        for packing in packings[: 1 + (number % 10 == 0)]:
            packing.add(one, number % len(PLACES))
    packed = [packing.packed() for packing in packings]
    copies = tuple((one.hashes, one.numbers) for one in packed)
    return MovedSources(renamed=("Study",), places=tuple(PLACES), copies=copies, parted=("id",))


def test_what_was_written_is_found_in_its_place_and_nothing_else() -> None:
    document = encode_moved_sources(written())
    assert len(document) < 20 * len(UIDS) + 2_000
    assert not any(uid.encode() in document for uid in UIDS)
    found = read_moved_sources(document)
    assert found == written()
    moved = MovedInstances(KEY, PLACES, [PackedInstances(*copy) for copy in found.copies])
    nowhere = Place("", "")
    assert [moved.place_of(uid, nowhere) for uid in UIDS] == [PLACES[n % 20] for n in range(len(UIDS))]
    assert [uid for uid in UIDS if moved.has_copy(uid, 1)] == UIDS[::10]
    assert not any(moved.has_copy(uid, 2) for uid in UIDS)
    assert not any(moved.place_of(f"{uid}.1", nowhere) for uid in UIDS)
    assert moved.has_study("1.1")
    assert moved.place_of_series("1.1.3", "") == PLACES[3]


def test_a_damaged_document_is_none() -> None:
    document = encode_moved_sources(written())
    assert read_moved_sources(None) is None
    for damaged in (b"", b"[]", b"{}", document[:-1], document.replace(b'"1.1.3"', b"13"), document[::-1]):
        assert read_moved_sources(damaged) is None
    uneven = written()
    hashes, numbers = uneven.copies[0]
    bad = MovedSources(renamed=(), places=(), copies=((hashes, numbers[:-4]),), parted=())
    assert read_moved_sources(encode_moved_sources(bad)) is None


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_instances_come_makes_no_difference(seed: int) -> None:
    numbers = list(range(len(UIDS)))
    random.Random(seed).shuffle(numbers)  # noqa: S311 - no secret
    packing = Packing(KEY)
    for number in numbers:
        packing.add(UIDS[number], number % len(PLACES))
    assert tuple(packing.packed()) == written().copies[0]
