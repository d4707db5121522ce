"""ZIP archives that arrive: worked off member by member, in portions; bombs and damage are told apart."""

from __future__ import annotations

import json
import struct
import zipfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from dicomorph.services.arrival import archive
from dicomorph.services.arrival.outcomes import (
    Continued,
    Gone,
    Produced,
    Progress,
    Rejected,
    Stored,
    Taken,
    Worked,
)
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_archive import Portion
from tests.support.api_client import make_dicom
from tests.support.arrivals import House, zipped

on_files = pytest.mark.parametrize("home", ["folder"], indirect=True)


def _images(number: int) -> dict[str, bytes]:
    return {f"Doe^Jane/{instance}.dcm": make_dicom(instance=instance) for instance in range(number)}


def _counts(taken: Taken) -> tuple[int, int]:
    """Return how many members were taken and set aside."""
    assert isinstance(taken, Worked)
    return taken.progress.taken, taken.progress.rejected


def _work_off(home: House, content: bytes, **rules: Any) -> tuple[Any, int]:
    """Take an archive, a member at a time; return the outcome and the number of calls."""
    arrived = home.place.bring("Doe^Jane.zip", content)
    taken, calls = take(home.door(rules), arrived, portion=Portion(size=1)), 1
    while isinstance(taken, Continued):
        assert home.place.waiting() == 1
        taken = take(home.door(rules), arrived, progress=taken.progress, portion=Portion(size=1))
        calls += 1
    return taken, calls


def test_members_are_stored_in_portions_and_then_the_archive_goes(home: House) -> None:
    images = _images(3)
    taken, calls = _work_off(home, zipped({"Doe^Jane/": b"", **images, "DICOMDIR": b"of a disc"}))
    assert _counts(taken) == (3, 0)
    assert calls == 4  # the last one finds nothing left but the directory of the disc
    assert sorted(home.files()) == sorted(images.values())
    assert home.rejected() == []
    assert home.place.waiting() == 0


@on_files
def test_without_a_hurry_an_archive_is_worked_off_at_once(home: House) -> None:
    arrived = home.place.bring("1.zip", zipped(_images(4), method=zipfile.ZIP_STORED))
    assert _counts(take(home.door(), arrived)) == (4, 0)


@on_files
def test_the_rule_is_that_of_the_archive_not_of_its_members(home: House) -> None:
    taken, _ = _work_off(home, zipped({"ct/1": make_dicom()}), Doe={"Anonymize": {}})
    assert _counts(taken) == (1, 0)
    assert make_dicom() not in home.files()


@on_files
def test_bad_members_are_set_aside_by_number_and_the_others_are_taken(home: House) -> None:
    members = {"0": make_dicom(), "Doe^Jane.txt": b"text", "2": zipped({}), "3": make_dicom(instance=2)}
    taken, _ = _work_off(home, zipped(members))
    assert _counts(taken) == (2, 2)
    assert sorted(home.rejected()) == sorted([b"text", zipped({})])
    reasons = [json.loads(reason) for reason in home.reasons()]
    assert {reason["Member"] for reason in reasons} == {1, 2}
    assert "Doe" not in b"".join(home.reasons()).decode() + "".join(home.keys(""))


@on_files
def test_repeated_and_late_continuations_change_nothing(home: House) -> None:
    content = zipped({**_images(3), "bad": b"bad"})
    arrived = home.place.bring("1.zip", content)
    door = home.door()
    for cursor in (0, 2, 1, 2, 0):
        assert isinstance(take(door, arrived, progress=Progress(cursor), portion=Portion(size=1)), Continued)
    assert isinstance(take(door, arrived, progress=Progress(1)), Worked)
    assert take(door, arrived, progress=Progress(2)) == Gone()
    assert home.instances == 3
    assert home.rejected() == [b"bad"]


@on_files
def test_a_dicom_file_whose_preamble_looks_like_an_archive_is_a_dicom_file(home: House) -> None:
    content = b"PK\x03\x04" + make_dicom()[4:]
    assert isinstance(take(home.door(), home.place.bring("1", content)), Stored)
    assert take(home.door({"": {"Anonymize": {}}}), home.place.bring("1", content)) == Produced()


@on_files
def test_an_empty_archive_is_worked_off(home: House) -> None:
    assert _counts(take(home.door(), home.place.bring("1", zipped({})))) == (0, 0)
    assert home.place.waiting() == 0


# ------------------------------------------------------------------------------ damage and malice


_SOUND = zipped({**_images(2), "text": b"text" * 100})


@given(
    st.lists(st.tuples(st.integers(0, len(_SOUND) - 1), st.binary(min_size=1, max_size=4)), max_size=4),
    st.integers(0, len(_SOUND)),
)
def test_a_damaged_archive_is_read_or_refused_and_never_anything_else(
    changes: list[tuple[int, bytes]], kept: int
) -> None:
    content = bytearray(_SOUND)
    for at, new in changes:
        content[-at : len(content) - at + len(new)] = new  # the directory is at the end
    source = BufferSource(bytes(content[-kept:]))
    with suppress(BadFileFormatError):
        found = archive.Archive(source)
        for number in range(len(found)):
            assert found.packed(number).size <= source.size
            if found.is_content(number):
                with suppress(BadFileFormatError):
                    assert found.member(number).size <= source.scratch.largest_inflated


def _refused(home: House, content: bytes) -> str:
    taken = take(home.door(), home.place.bring("1", content))
    assert isinstance(taken, Rejected)
    assert home.rejected() == [content]
    assert home.place.waiting() == 0
    return taken.details


@on_files
@pytest.mark.parametrize("kept", [4, 30, 200, -1, -22, -40])
def test_an_archive_that_is_cut_off_is_set_aside(home: House, kept: int) -> None:
    assert "archive" in _refused(home, zipped(_images(2))[:kept])


@on_files
def test_an_archive_with_too_many_members_is_set_aside(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_MEMBERS", 3)
    assert "members" in _refused(home, zipped({str(number): b"" for number in range(4)}))


@on_files
def test_an_archive_with_a_directory_beyond_bounds_is_set_aside(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_LARGEST_DIRECTORY", 66_000)
    content = zipped({f"{number:01000}": b"" for number in range(66)})
    assert "directory" in _refused(home, content)


@on_files
def test_an_archive_that_unfolds_beyond_bounds_is_set_aside(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_FREE", 1 << 20)
    assert "unfolds" in _refused(home, zipped({"1": bytes(2 << 20)}))


@on_files
def test_members_that_overlap_are_refused_as_a_whole(home: House) -> None:
    # Many entries of the directory that name one member: small in itself, large in sum.
    content = zipped({"1": bytes(range(256)) * 64}, method=zipfile.ZIP_STORED)
    start = content.index(b"PK\x01\x02")
    directory, end = content[start:-22], bytearray(content[-22:])
    copies = 2
    struct.pack_into("<HHI", end, 8, copies, copies, copies * len(directory))
    assert "overlap" in _refused(home, content[:start] + copies * directory + bytes(end))


def _patched(content: bytes, at: int, new: bytes) -> bytes:
    """Return an archive of one member with other bytes in its header, and in the directory's copy of it."""
    central = content.index(b"PK\x01\x02")
    found = bytearray(content)
    found[at : at + len(new)] = new
    found[central + at + 2 : central + at + 2 + len(new)] = new
    return bytes(found)


@on_files
@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (6, b"\x01\x00", "encrypted"),
        (8, b"\x09\x00", "neither stored nor deflated"),
        (8, b"\x0c\x00", "neither stored nor deflated"),
        (14, b"\x01\x02\x03\x04", "damaged"),
        (30, b"x", "damaged"),
        (22, struct.pack("<I", 600 << 20), "MaximumInflatedSize"),
    ],
    ids=["encrypted", "deflate64", "bzip2", "checksum", "name", "size"],
)
def test_a_member_that_cannot_be_unfolded_is_set_aside_as_it_is_packed(
    home: House, at: int, new: bytes, reason: str
) -> None:
    original = zipped({"12": make_dicom()})
    content = _patched(original, at, new)
    if at == 30:  # the name, in front of the content alone
        content = original[:at] + new + original[at + len(new) :]
    assert _counts(take(home.door(), home.place.bring("1", content))) == (0, 1)
    assert home.rejected() == [content[: content.index(b"PK\x01\x02")]]
    [told] = home.reasons()
    assert reason in json.loads(told)["Details"]


@on_files
def test_a_member_that_unfolds_to_more_than_it_says_is_set_aside(home: House) -> None:
    content = _patched(zipped({"1": bytes(1 << 20)}), 22, struct.pack("<I", 1000))
    assert _counts(take(home.door(), home.place.bring("1", content))) == (0, 1)
    assert home.instances == 0
