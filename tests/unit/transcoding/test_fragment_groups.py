"""Which fragments belong to which frame: tables of offsets, right and wrong, or none."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.frames.fragments import Fragments
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.windows import Window
from dicomorph.model.errors import BadFileFormatError, TranscodingError
from dicomorph.transcoding.fragment_groups import FragmentGroups
from tests.dicom_factory import Element
from tests.support.codestreams import LENGTHS, TABLE, encapsulated, even, jpeg, split, starts
from tests.support.images import Image, image_file
from tests.support.run_lengths import rle
from tests.support.transcoded import RLE, pixels_by_pydicom, read, transcoded

JPEG = "1.2.840.10008.1.2.4.50"
DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
FRAMES = [even(jpeg(head=bytes([0xFF, 0xE1, 0, 3, n]))) for n in range(3)]


def grouped(
    fragments: list[bytes], count: int, offsets: list[int] | None = None, extended: list[int] | None = None
) -> list[bytes]:
    """Return the frames that fragments make."""
    value = encapsulated(fragments, offsets) + DELIMITER
    table = struct.pack(f"<{len(extended or ())}Q", *(extended or ()))
    source = BufferSource(value)
    groups = FragmentGroups(Fragments(Window(source), 0, "<"), count, table, JPEG)
    return [b"".join(source.read(*each) for each in groups.of(n)) for n in range(len(groups))]


def pieces(size: int) -> tuple[list[bytes], list[int]]:
    """Return all frames in fragments of a size, and where frames begin among them."""
    fragments, firsts = list[bytes](), list[int]()
    for frame in FRAMES:
        firsts.append(len(fragments))
        fragments += split(frame, size)
    offsets = starts(fragments)
    return fragments, [offsets[first] for first in firsts]


def test_a_single_frame_has_all_fragments() -> None:
    assert grouped(split(FRAMES[0], 100), 1) == FRAMES[:1]
    assert grouped(split(FRAMES[0], 100), 1, [0]) == FRAMES[:1]


def test_without_a_table_each_frame_has_a_fragment() -> None:
    assert grouped([b"one.", b"two.", b"three."], 3) == [b"one.", b"two.", b"three."]


def test_without_a_table_frames_begin_with_a_codestream() -> None:
    fragments, _ = pieces(100)
    assert grouped(fragments, 3) == FRAMES


@pytest.mark.parametrize("kind", ["basic", "extended", "both"])
def test_a_table_tells_frames_of_several_fragments_apart(kind: str) -> None:
    fragments, offsets = pieces(64)
    opaque = [b"no codestream " + each for each in fragments]
    offsets = [starts(opaque)[starts(fragments).index(offset)] for offset in offsets]
    basic = offsets if kind != "extended" else None
    extended = offsets if kind != "basic" else None
    found = grouped(opaque, 3, basic, extended)
    assert b"".join(found) == b"".join(opaque)
    assert [len(each) for each in found] == [
        sum(map(len, opaque[n * len(opaque) // 3 : (n + 1) * len(opaque) // 3])) for n in range(3)
    ]


@pytest.mark.parametrize("offsets", [[0, 4, 8], [8, 0, 16], [0, 0, 0], [2, 4, 6], [0, 1 << 31, 1 << 32 - 1]])
def test_a_table_that_leads_nowhere_is_passed_over(offsets: list[int]) -> None:
    fragments, _ = pieces(100)
    assert grouped(fragments, 3, offsets) == FRAMES
    assert grouped(fragments, 3, None, offsets) == FRAMES


def test_empty_fragments_belong_to_the_frame_before() -> None:
    assert grouped([FRAMES[0], b"", FRAMES[1], b"", b"", FRAMES[2], b""], 3) == FRAMES
    assert grouped([b"one.", b"", b"two.", b""], 2) == [b"one.", b"two."]


@pytest.mark.parametrize("count", [1, 2, 4, 10**9])
def test_another_number_of_frames_is_refused(count: int) -> None:
    with pytest.raises(TranscodingError):
        grouped(FRAMES, count)


def test_fragments_that_do_not_add_up_are_refused() -> None:
    value = encapsulated(FRAMES) + DELIMITER
    for broken in (value[:-9], value[:-20], value.replace(b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0")):
        with pytest.raises(BadFileFormatError):
            FragmentGroups(Fragments(Window(BufferSource(broken)), 0, "<"), 3, b"", JPEG)


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=9), st.data())
def test_a_right_table_gives_each_frame_its_bytes(frames: list[bytes], data: st.DataObject) -> None:
    fragments, firsts = list[bytes](), list[int]()
    for frame in frames:
        firsts.append(len(fragments))
        fragments += [even(each) for each in split(frame, data.draw(st.integers(2, 10)))]
    offsets = [starts(fragments)[first] for first in firsts]
    stops = [*firsts[1:], len(fragments)]
    expected = [b"".join(fragments[one:other]) for one, other in zip(firsts, stops, strict=True)]
    assert grouped(fragments, len(frames), offsets) == expected
    assert grouped(fragments, len(frames), None, offsets) == expected


@pytest.mark.parametrize("kind", ["none", "basic", "extended"])
def test_frames_of_a_file_are_decoded_whatever_table_it_has(kind: str) -> None:
    image = Image(4, 6, bits=8, frames=3)
    planes = [bytes(range(n, n + 24)) for n in range(3)]
    fragments = [even(rle(plane)) for plane in planes]
    offsets = starts(fragments)
    tables = [
        Element(TABLE, "OV", struct.pack("<3Q", *offsets)),
        Element(LENGTHS, "OV", struct.pack("<3Q", *map(len, fragments))),
    ]
    data = image_file(
        image,
        encapsulated(fragments, offsets if kind == "basic" else None),
        *(tables if kind == "extended" else []),
        vr="OB",
        syntax=RLE,
        undefined=True,
    )
    native = transcoded(data, "1.2.840.10008.1.2.1")
    assert np.array_equal(
        pixels_by_pydicom(native), np.frombuffer(b"".join(planes), np.uint8).reshape(3, 4, 6)
    )
    assert not {TABLE, LENGTHS} & set(read(native).keys())
