"""Files as they come: out of order, mislabelled, remote, large."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterable

import pytest

from dicomorph.dicom.recoding.recode import recode
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import Buffer, BufferSource, MemoryScratch, Source
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    Element,
    encode,
    part10,
    rich,
    rich_file,
)
from tests.support.edits import WindowedSource
from tests.support.recoded import ENCODINGS, PAIRS, body, file_of_every_vr, recoded

MEBIBYTE = 1 << 20
PIXELS = 0x7FE00010


class LargeSource:
    """A file that ends with so many words 1 as a size says, which are made when they are read."""

    fragments: tuple[int, int] | None = None

    def __init__(self, elements: list[Element], syntax: str, size: int) -> None:
        header = encode([Element(PIXELS, "OW", b"")], syntax)
        order = ">" if syntax == BIG else "<"
        self._head = part10(encode(elements, syntax) + header[:-4] + struct.pack(order + "I", size), syntax)
        self._word = struct.pack(order + "H", 1)
        self.size = len(self._head) + size
        self.scratch = CountingScratch()
        self.shown = 0

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        self.shown += length
        return self.read(start, start + length), start

    def read(self, start: int, stop: int) -> bytes:
        stop = min(stop, self.size)
        made = max(0, stop - max(start, len(self._head)))
        words = self._word * (made // 2 + 2)
        shift = (max(start, len(self._head)) - len(self._head)) % 2
        return self._head[start:stop] + words[shift : shift + made]

    def close(self) -> None:
        """Do nothing."""


class CountingScratch(MemoryScratch):
    """Keeps nothing but how much it was given, and the last piece."""

    def __init__(self) -> None:
        self.size, self.last = 0, b""

    def keep(self, pieces: Iterable[bytes]) -> Source:
        for piece in pieces:
            self.size += len(piece)
            self.last = piece
        return BufferSource(b"kept")


def ranges(script: EditScript) -> list[tuple[int, int]]:
    return [part for part in script.parts if isinstance(part, tuple)]


@pytest.mark.parametrize("to", [IMPLICIT, EXPLICIT])
def test_pixel_data_stay_a_range_where_the_byte_order_does(to: str) -> None:
    size = 1 << 29
    for of in (IMPLICIT, EXPLICIT):
        recoded(rich_file(syntax=of), to)  # learns what outlives a file
        source = LargeSource(rich()[:-5], of, size)
        tracemalloc.start()
        script = recode(source, to)
        assert tracemalloc.get_traced_memory()[1] < 4 * MEBIBYTE
        tracemalloc.stop()
        assert ranges(script)[-1][1] == source.size
        assert ranges(script)[-1][0] <= source.size - size
        assert source.scratch.size == 0


@pytest.mark.parametrize(("of", "to"), [(EXPLICIT, BIG), (BIG, IMPLICIT)])
def test_pixel_data_in_the_other_byte_order_go_to_the_scratch_in_pieces(of: str, to: str) -> None:
    size = 16 * MEBIBYTE + 2
    source = LargeSource(rich()[:-5], of, size)
    tracemalloc.start()
    script = recode(source, to)
    assert tracemalloc.get_traced_memory()[1] < 8 * MEBIBYTE
    tracemalloc.stop()
    assert source.shown < 4 * MEBIBYTE  # what was shown of a mapped file stays in memory
    assert isinstance(script.parts[-1], KeptPart)
    assert source.scratch.size == size
    assert source.scratch.last == struct.pack((">" if to == BIG else "<") + "H", 1)


def test_deflating_takes_little_memory() -> None:
    source = LargeSource(rich()[:-5], EXPLICIT, 16 * MEBIBYTE)
    tracemalloc.start()
    recode(source, DEFLATED)
    assert tracemalloc.get_traced_memory()[1] < 8 * MEBIBYTE
    tracemalloc.stop()


@pytest.mark.parametrize(("of", "to"), [(IMPLICIT, EXPLICIT), (EXPLICIT, IMPLICIT)])
def test_many_elements_go_to_the_scratch(of: str, to: str) -> None:
    value = bytes(60_000)
    elements = [Element(0x50010000 + number, "UN", value) for number in range(1, 600)]
    scratch = CountingScratch()
    recode(BufferSource(part10(encode(elements, of), of), scratch), to)
    assert scratch.size > 30 * MEBIBYTE


def test_nothing_is_copied_of_an_explicit_data_set_that_stays_so() -> None:
    data = rich_file()
    script = recode(BufferSource(data), EXPLICIT)
    assert len(ranges(script)) == 1
    assert len(script.parts) == 2
    assert data[slice(*ranges(script)[0])] == encode(rich())


def test_long_values_in_items_are_ranges() -> None:
    value = bytes(100_000)
    elements = [Element(0x54000100, "SQ", [[Element(0x54001010, "OW", value)], []], undefined=True)]
    source = BufferSource(part10(encode(elements)))
    script = recode(source, IMPLICIT)
    assert [stop - start for start, stop in ranges(script)] == [100_000]
    assert body(script.join(source)) == encode(elements, IMPLICIT)


@pytest.mark.parametrize(("of", "to"), PAIRS)
def test_remote_files_are_recoded_alike(of: str, to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of_every_vr(of)
    monkeypatch.setattr(windows, "WINDOW", 64)
    for surplus in (0, 7):
        source = WindowedSource(data, surplus)
        script = recode(source, to)
        assert b"".join(script.chunks(source)) == recoded(data, to)


@pytest.mark.parametrize("to", ENCODINGS)
@pytest.mark.parametrize("of", [IMPLICIT, EXPLICIT, BIG])
def test_files_out_of_order_are_recoded_in_order(of: str, to: str) -> None:
    items = [[Element(0x00280010, "US", 2), Element(0x00100010, "PN", "Roe^")]]
    elements = [
        Element(0x00280010, "US", 2),
        Element(0x00100010, "PN", "Roe^"),
        Element(0x00100010, "PN", "Poe^"),
        Element(0x0040A730, "SQ", items),
    ]
    expected = [elements[1], elements[0], Element(0x0040A730, "SQ", [items[0][::-1]])]
    data = part10(encode(elements, of), of)
    if (of == BIG) is (to == BIG) and (of == IMPLICIT) is (to == IMPLICIT):
        data = part10(encode([elements[1], elements[0], elements[3]], of), of)
        expected = [elements[1], elements[0], elements[3]]  # what stays is not looked into
    assert body(recoded(data, to)) == encode(expected, to)


def test_only_items_may_be_out_of_order() -> None:
    ordered = [Element(0x00100010, "PN", "Roe^"), Element(0x00280010, "US", 2)]
    data = part10(encode([Element(0x0040A730, "SQ", [ordered[::-1]])]))
    for to in (IMPLICIT, BIG):
        assert body(recoded(data, to)) == encode([Element(0x0040A730, "SQ", [ordered])], to)


def test_elements_without_vr_get_that_of_the_dictionary() -> None:
    data_set = encode([Element(0x00100010, "PN", "Roe^"), Element(0x00100020, "LO", "P1")])
    for absent in (b"  ", b"\0\0", b"??"):
        data = part10(data_set.replace(b"LO", absent))
        expected = [Element(0x00100010, "PN", "Roe^"), Element(0x00100020, "LO", "P1")]
        for to in ENCODINGS:
            assert body(recoded(data, to)) == encode(expected, to)


@pytest.mark.parametrize("padding", [bytes(3), bytes(70_000), b"\xff" * 16])
def test_padding_behind_a_data_set_is_dropped(padding: bytes) -> None:
    for of in (IMPLICIT, EXPLICIT, BIG):
        for to in ENCODINGS:
            data = part10(encode(rich(), of) + padding, of)
            assert body(recoded(data, to)) == body(recoded(data[: -len(padding)], to))


@pytest.mark.parametrize("declared", [EXPLICIT, JPEG, "1.2.840.113619.5.2"])
def test_data_sets_are_written_as_their_transfer_syntax_says(declared: str) -> None:
    """Also those that were not before."""
    elements = [Element(0x00100010, "PN", "Roe^"), Element(0x00280106, "US", 2)]
    data = part10(encode(elements, IMPLICIT), declared)
    for to in ENCODINGS:
        assert body(recoded(data, to)) == encode(elements, to)
    if declared != "1.2.840.113619.5.2":
        assert body(recoded(data, declared)) == encode(elements)


@pytest.mark.parametrize("to", ENCODINGS)
def test_group_0002_is_left_out_wherever_it_stands(to: str) -> None:
    stray = [Element(0x00020010, "UI", JPEG), Element(0x00010001, "UN", b"kept")]
    elements = [Element(0x00000002, "UI", "1.2.3"), *stray, Element(0x00100010, "PN", "Roe^")]
    assert body(recoded(part10(encode(elements)), to)) == encode([stray[1], elements[-1]], to)


def test_a_data_set_without_meta_information_gets_some() -> None:
    for of in (IMPLICIT, EXPLICIT, BIG):
        bare = encode(rich(), of)
        for to in ENCODINGS:
            assert recoded(bare, to) == recoded(part10(bare, of), to)


@pytest.mark.parametrize("of", ENCODINGS)
def test_values_of_odd_length_stay_so(of: str) -> None:
    elements = [
        Element(0x00080008, "CS", b"ODD"),
        Element(0x00280010, "US", b"\1\2\3"),
        Element(0x0040A730, "SQ", [[Element(0x00080008, "CS", b"ODD"), Element(0x00281201, "OW", b"1")]]),
    ]
    data = part10(encode(elements, of), of)
    for to in {*ENCODINGS} - {of}:
        again = recoded(recoded(data, to), of)
        assert body(again) == encode(elements, of)


def test_implicit_vr_that_reads_like_explicit_vr_is_refused() -> None:
    """The length of the first element looks like a VR, and its value like the elements behind that."""
    value = encode([Element(0x00100010, "PN", "Hidden^Name")]).ljust(int.from_bytes(b"LO", "little"))
    elements = [Element(0x00091001, "OB", value)]
    with pytest.raises(BadFileFormatError):
        recoded(part10(encode(elements)), IMPLICIT)
    before = [Element(0x00080008, "CS", ""), *elements]
    assert body(recoded(part10(encode(before)), IMPLICIT)) == encode(before, IMPLICIT)
