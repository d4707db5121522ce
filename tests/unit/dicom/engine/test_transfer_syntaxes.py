"""Data sets as they are found: without file meta information, with zeros behind them."""

from __future__ import annotations

import pytest

from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10, rich, rich_file
from tests.support.codestreams import BUNDLED
from tests.support.edits import anonymized, modified

NAME = Element(0x00100010, "PN", "Original^Name")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_bare_data_set_keeps_the_encoding_it_is_in(syntax: str) -> None:
    output = anonymized(encode(rich(), syntax))
    assert read_file(output).syntax == syntax
    assert "Müller".encode("latin-1") not in output
    assert read_file(modified(encode(rich(), syntax))).tree[0x00100010].value == "Müller^Élodie ".encode(
        "latin-1"
    )


@pytest.mark.parametrize("first", [0x00080005, 0x00080016, 0x00080018, 0x00100010])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_its_first_element_may_be_any_of_the_usual_ones(first: int, syntax: str) -> None:
    vr = {0x00080005: "CS", 0x00100010: "PN"}.get(first, "UI")
    data = encode([Element(first, vr, "1.2.3"), Element(0x00200010, "SH", "ID")], syntax)
    assert read_file(modified(data)).syntax == syntax


def test_a_real_one_in_big_endian_is_read() -> None:
    data = (BUNDLED / "ExplVR_BigEndNoMeta.dcm").read_bytes()
    file = read_file(anonymized(data))
    assert file.syntax == BIG
    assert file.tree[0x00080016].value == read_file(data).tree[0x00080016].value


@pytest.mark.parametrize("group", [b"\x08\x08", b"\x00\x20", b"\x7f\xe0", b"\xff\x08"])
def test_other_beginnings_are_refused(group: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="not a DICOM file"):
        modified(group + encode([NAME])[2:])


@pytest.mark.parametrize("count", [1, 2, 7, 8, 12, 500, 200_000])
@pytest.mark.parametrize("padding", [b"\0", b"\xff"])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, JPEG])
def test_padding_behind_a_data_set_goes(syntax: str, padding: bytes, count: int) -> None:
    data = rich_file(syntax=syntax)
    padded = data + padding * count
    for edit in (anonymized, modified):
        assert edit(padded) == edit(data)
    assert identity(padded) == identity(data)
    assert describe(BufferSource(padded), default_encoding="Latin1", whole=True) == identity(data)


@pytest.mark.parametrize(
    "behind",
    [
        b"\0\0\0\1",
        b"\xff\xff\0\0",
        b"\xff" * 40 + b"\0" * 40,
        bytes(30) + b"SECRET",
        bytes(8) + b"\x08\0\x05\0CS\0\0",
        b"\0" * 9 + b"1",
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, JPEG])
def test_anything_else_behind_a_data_set_is_refused(syntax: str, behind: bytes) -> None:
    for read in (modified, lambda data: list(scan_whole(open_dataset(BufferSource(data))))):
        with pytest.raises(BadFileFormatError):
            read(rich_file(syntax=syntax) + bytes(1 << 18) + behind)


def test_zeros_inside_a_data_set_are_refused() -> None:
    body = encode([Element(0x00080018, "UI", "1.2.3")]) + bytes(16) + encode([NAME])
    with pytest.raises(BadFileFormatError, match="none can be"):
        modified(part10(body))


def identity(data: bytes) -> object:
    return describe(BufferSource(data), default_encoding="Latin1")
