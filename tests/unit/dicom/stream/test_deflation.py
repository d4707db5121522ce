"""Deflated data sets are worked on without being in memory: they lie where the source says."""

from __future__ import annotations

import random
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dicomorph.dicom.stream.deflation import deflated, inflated
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource, MemoryScratch, Scratch, Source
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.description import describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError, StorageFullError
from tests.dicom_factory import DEFLATED, EXPLICIT, Element, encode, part10, rich, rich_file, uid
from tests.support.edits import rewriter
from tests.support.open_files import open_files

MIB = 1 << 20


def new_file() -> int:
    descriptor, path = tempfile.mkstemp()
    Path(path).unlink()
    return descriptor


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - the same at every run


def large(*, noisy: bool) -> bytes:
    """Return a deflated file with more behind its header than is kept in memory."""
    pixels = noise(3 * MIB) if noisy else bytes(3 * MIB)
    header = (element for element in rich() if element.tag < 0x00280000)
    elements = [*header, Element(0x7FE00010, "OW", pixels)]
    return part10(encode(elements, EXPLICIT), DEFLATED, instance=uid(1, 1, 1, 1))


def edited(source: Source, body: dict[str, object]) -> bytes:
    return b"".join(rewriter(body).rewrite(source).chunks(source))


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("body", [{}, {"Replace": {"PatientName": "Jané"}}, {"Keep": ["StudyDescription"]}])
def test_a_file_that_unfolds_to_the_disk_is_read_and_edited_as_in_memory(
    *, noisy: bool, body: dict[str, object]
) -> None:
    file, before = large(noisy=noisy), open_files()
    scratch = FileScratch(new_file)
    assert edited(BufferSource(file, scratch), body) == edited(BufferSource(file), body)
    for read in (
        lambda source: describe(source, default_encoding="Latin1", whole=True),
        lambda source: dataset_json(source, form=TagsForm.FULL, default_encoding="Latin1"),
    ):
        assert read(BufferSource(file, scratch)) == read(BufferSource(file))
    assert open_files() <= before


def test_what_small_files_unfold_to_stays_in_memory() -> None:
    def refuse() -> int:
        raise AssertionError

    file = rich_file(syntax=DEFLATED)
    assert edited(BufferSource(file, FileScratch(refuse)), {}) == edited(BufferSource(file), {})


@pytest.mark.parametrize("size", [0, 1, 1000, MIB - 1, MIB, MIB + 1, 5 * MIB + 3])
@pytest.mark.parametrize("scratch", [MemoryScratch(), FileScratch(new_file)], ids=["memory", "file"])
@pytest.mark.parametrize("fill", [bytes, noise])
def test_what_is_deflated_inflates_to_the_same_and_is_even(
    size: int, scratch: Scratch, fill: Callable[[int], bytes]
) -> None:
    data = fill(size)
    pieces = [data[at : at + 100_000] for at in range(0, size, 100_000)]
    part = deflated(pieces, scratch)
    raw = part if isinstance(part, bytes) else b"".join(part.chunks(lambda _start, _stop: b""))
    assert isinstance(part, KeptPart) == (len(raw) > MIB)
    assert len(raw) % 2 == 0
    assert zlib.decompress(raw, -15) == data
    kept = inflated(BufferSource(b"head" + raw + bytes(9), scratch), 4)
    assert kept.size == size
    assert kept.read(0, size) == data
    assert kept.read(size // 2, size + 5) == data[size // 2 :]
    kept.close()
    kept.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[:-100], "cut off"),
        (lambda raw: raw[: len(raw) // 2], "cut off"),
        (lambda raw: raw[: len(raw) // 2] + b"\xff" * 99, "damaged|cut off"),
        (lambda raw: b"\xff" + raw, "damaged"),
    ],
)
def test_what_does_not_inflate_is_refused_and_leaves_no_file(
    damage: Callable[[bytes], bytes], said: str
) -> None:
    part = deflated([noise(3 * MIB)], MemoryScratch())
    assert isinstance(part, KeptPart)
    raw, before = damage(part.source.read(0, part.stop)), open_files()
    with pytest.raises(BadFileFormatError, match=said):
        inflated(BufferSource(raw, FileScratch(new_file)), 0)
    assert open_files() <= before


@pytest.mark.parametrize("fill", [bytes, noise])
@pytest.mark.parametrize("more", [0, 1])
def test_nothing_larger_than_allowed_is_inflated(fill: Callable[[int], bytes], more: int) -> None:
    part = deflated([fill(2 * MIB + more)], MemoryScratch())
    raw = part if isinstance(part, bytes) else part.source.read(0, part.stop)
    scratch = FileScratch(new_file, largest_inflated=2 * MIB)
    if not more:
        assert inflated(BufferSource(raw, scratch), 0).size == 2 * MIB
        return
    with pytest.raises(BadFileFormatError, match="larger than this server accepts"):
        inflated(BufferSource(raw, scratch), 0)


def test_a_disk_without_room_is_said_before_it_is_filled() -> None:
    written: list[int] = []

    def check(size: int) -> None:
        if sum(written) + size > 2 * MIB:
            raise StorageFullError
        written.append(size)

    def pieces() -> Iterable[bytes]:
        while True:
            yield bytes(100_000)

    before = open_files()
    with pytest.raises(StorageFullError):
        FileScratch(new_file, check_room=check).keep(pieces())
    assert MIB < sum(written) <= 2 * MIB
    assert open_files() <= before
