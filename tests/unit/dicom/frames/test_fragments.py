"""Frames and their fragments after comments left them."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import pydicom
import pytest
from pydicom.encaps import generate_frames

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import EXPLICIT, Element, encode, part10
from tests.support.codestreams import (
    BUNDLED,
    CLEAN,
    DIRTY,
    JPEG_2000,
    PIXEL_DATA,
    SECRET,
    encapsulated,
    even,
    file_of,
    fragments_of,
    jpeg_2000,
    segment,
    split,
    starts,
)
from tests.support.edits import anonymized, modified

ICON = 0x00880200
OTHERS = ("5", "4.100", "4.102", "4.107", "4.110", "4.112", "4.201", "8.1")
KEPT_WITH_NAMES = {"Keep": ["IconImageSequence", "PatientName"]}


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("size", [2, 4, 6, 14, 100, 1000, 4000])
@pytest.mark.parametrize(
    ("syntax", "dirty", "clean"),
    [
        ("1.2.840.10008.1.2.4.50", even(DIRTY), CLEAN),
        (
            JPEG_2000,
            even(
                jpeg_2000(head=segment(0x64, b"\0\1" + SECRET + b"!"), tile=segment(0x64, b"\0\1" + SECRET))
            ),
            jpeg_2000(),
        ),
    ],
)
def test_a_comment_may_straddle_fragments(
    syntax: str,
    dirty: bytes,
    clean: bytes,
    size: int,
    table: bool,  # noqa: FBT001
) -> None:
    pieces = split(dirty, size) + split(even(clean), size) + split(dirty, size)
    firsts = [0, len(split(dirty, size)), len(pieces) - len(split(dirty, size))]
    offsets = [starts(pieces)[n] for n in firsts]
    output = anonymized(file_of(pieces, offsets if table else None, syntax=syntax))
    found_table, found = fragments_of(output)
    assert len(found) == len(pieces)
    assert {len(piece) % 2 for piece in found} == {0}
    assert found_table == ([starts(found)[n] for n in firsts] if table else [])
    bounds = [*firsts, len(found)]
    for first, last in pairwise(bounds):
        assert b"".join(found[first:last]) in {clean + bytes(n) for n in range(4)}
    assert pydicom.dcmread(BytesIO(output))[0x00280008].value == len(pieces), "what follows is in its place"
    assert 0xFFFCFFFC not in pydicom.dcmread(BytesIO(output))


def test_padding_fragments_and_empty_frames_stay() -> None:
    pieces = [b"", bytes(8), even(DIRTY), b"", bytes(6), b"", even(DIRTY), b""]
    found_table, found = fragments_of(anonymized(file_of(pieces, starts(pieces))))
    assert found == [even(CLEAN) if SECRET in piece else piece for piece in pieces]
    assert found_table == starts(found)


@pytest.mark.parametrize(
    "pieces",
    [
        [even(CLEAN), SECRET],
        [even(CLEAN), b"", SECRET, even(CLEAN)],
        [SECRET, even(CLEAN)],
        [bytes(8), SECRET, even(DIRTY)],
        [SECRET + CLEAN],
    ],
)
def test_fragments_of_unknown_content_beside_frames_are_refused(pieces: list[bytes]) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of(pieces))


@pytest.mark.parametrize(
    "syntax", ["1.2.840.113619.5.2.1", EXPLICIT, *(f"1.2.840.10008.1.2.{n}" for n in OTHERS)]
)
def test_frames_are_known_by_what_they_begin_with(syntax: str) -> None:
    for dirty, clean in ((DIRTY, CLEAN), (jpeg_2000(head=segment(0x64, b"\0\1" + SECRET)), jpeg_2000())):
        assert fragments_of(anonymized(file_of([even(dirty)], syntax=syntax)))[1] == [even(clean)]


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_jpeg2k.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_real_files_come_out_with_the_frames_they_had(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    assert fragments_of(anonymized(data)) == fragments_of(data)
    count = int(pydicom.dcmread(BytesIO(data)).get("NumberOfFrames", 1))
    output = pydicom.dcmread(BytesIO(anonymized(data)))
    assert len(list(generate_frames(output.PixelData, number_of_frames=count))) == count


def test_pixel_data_without_any_item_stay() -> None:
    body = encode([Element(0x00080018, "UI", "1.2.3"), Element(PIXEL_DATA, "OB", b"", undefined=True)])
    assert anonymized(part10(body, JPEG_2000)).endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")


@pytest.mark.parametrize("undefined", [False, True])
def test_icons_that_stay_lose_their_comments(undefined: bool) -> None:  # noqa: FBT001
    def file(frame: bytes) -> bytes:
        pixels = Element(PIXEL_DATA, "OB", encapsulated([even(frame)]), undefined=True)
        deeper = Element(ICON, "SQ", [[pixels]], undefined=undefined)
        items = [
            [pixels, Element(0x7FE10010, "LO", "behind")],
            [deeper],
            [Element(PIXEL_DATA, "OB", b"1234")],
        ]
        return part10(
            encode([Element(0x00080018, "UI", "1.2.3"), Element(ICON, "SQ", items, undefined=undefined)])
        )

    for body in ({"DicomVersion": "2008"}, {"Keep": ["IconImageSequence"]}, KEPT_WITH_NAMES):
        assert anonymized(file(DIRTY), **body) == anonymized(file(CLEAN), **body)
        assert CLEAN in anonymized(file(CLEAN), **body)
    assert ICON not in pydicom.dcmread(BytesIO(anonymized(file(DIRTY))))
    assert modified(file(DIRTY)).count(SECRET) == file(DIRTY).count(SECRET)
