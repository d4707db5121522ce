"""Group 0002 once more behind the file meta information: the first value counts, the rest is dropped."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pydicom
import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.description import describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model import metadata_names
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from dicomorph.model.resources import Level
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10, rich
from tests.support.edits import WindowedSource, anonymized, modified, rewriter

ALL = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG, "1.2.840.10008.1.2.4.70"]
PREFIX = 132


def file_with(stray: bytes, syntax: str, *, change: Callable[[bytes], bytes] = bytes) -> bytes:
    """Return a file with bytes between its file meta information, which may be changed, and its data set."""
    whole = part10(body(syntax), syntax)
    stop = PREFIX + 12 + struct.unpack_from("<I", whole, PREFIX + 8)[0]
    return whole[:PREFIX] + change(whole[PREFIX:stop]) + stray + whole[stop:]


def body(syntax: str) -> bytes:
    encapsulated = syntax not in {EXPLICIT, IMPLICIT, BIG, DEFLATED}
    return encode(rich(encapsulated=encapsulated), syntax)


def stray_meta(syntax: str, *, says: str, whole: bool) -> bytes:
    """Return a group 0002 that names another transfer syntax, as a data set in a syntax writes it."""
    found = [Element(0x00020010, "UI", says)]
    if whole:
        found = [
            Element(0x00020000, "UL", 100),
            Element(0x00020001, "OB", b"\0\1"),
            Element(0x00020003, "UI", "9.8.7"),
            *found,
            Element(0x00020102, "OB", b"private!"),
        ]
    return encode(found, syntax)


def check(data: bytes, plain: bytes, syntax: str) -> None:
    """Assert that a file is what another is, on every path that reads it."""
    for edit in (anonymized, modified):
        output = edit(data)
        assert output == edit(plain)
        assert pydicom.dcmread(BytesIO(output)).file_meta.TransferSyntaxUID == syntax
    source = WindowedSource(data)
    assert rewriter({}).rewrite(source).join(source) == anonymized(plain)
    shown = dataset_json(BufferSource(data), form=TagsForm.SHORT, default_encoding="Latin1", whole=True)
    assert shown == dataset_json(
        BufferSource(plain), form=TagsForm.SHORT, default_encoding="Latin1", whole=True
    )
    found, expected = (describe(BufferSource(each), default_encoding="Latin1") for each in (data, plain))
    assert found.identifiers == expected.identifiers
    assert found.facts[Level.INSTANCE].metadata[metadata_names.TRANSFER_SYNTAX] == syntax


@pytest.mark.parametrize("syntax", ALL)
@pytest.mark.parametrize("says", [*ALL, "1.2.3", ""])
def test_the_first_transfer_syntax_counts(syntax: str, says: str) -> None:
    plain = file_with(b"", syntax)
    for whole in (False, True):
        stray = stray_meta(EXPLICIT, says=says, whole=whole)
        for times in (1, 2):
            check(file_with(stray * times, syntax), plain, syntax)


@pytest.mark.parametrize("syntax", [IMPLICIT, BIG, DEFLATED, EXPLICIT])
@pytest.mark.parametrize("says", [EXPLICIT, JPEG])
def test_a_stray_group_may_be_written_as_the_data_set(syntax: str, says: str) -> None:
    plain = file_with(b"", syntax)
    for whole in (False, True):
        for written in (syntax, IMPLICIT):
            stray = stray_meta(written, says=says, whole=whole)
            if syntax == DEFLATED:
                compressor = zlib.compressobj(wbits=-15)
                inside = compressor.compress(stray + body(syntax)) + compressor.flush()
                whole_file = part10(b"", syntax)
                data = whole_file[: len(whole_file) - 2] + inside
            else:
                data = file_with(stray, syntax)
            check(data, plain, syntax)
            if syntax != DEFLATED:
                check(file_with(stray_meta(EXPLICIT, says=JPEG, whole=True) + stray, syntax), plain, syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG])
@pytest.mark.parametrize("length", [0, 4, 100, 0xFFFF, 0xFFFFFFFF, None])
def test_the_declared_length_is_no_more_than_a_hint(syntax: str, length: int | None) -> None:
    def change(meta: bytes) -> bytes:
        return meta[12:] if length is None else meta[:8] + struct.pack("<I", length) + meta[12:]

    plain = file_with(b"", syntax)
    for stray in (b"", stray_meta(EXPLICIT, says=JPEG, whole=True)):
        check(file_with(stray, syntax, change=change), plain, syntax)


def test_a_syntax_that_only_the_second_group_names_counts() -> None:
    plain = file_with(b"", JPEG)
    stray = stray_meta(EXPLICIT, says=JPEG, whole=True)
    for value in (None, b""):
        without = encode([Element(0x00020001, "OB", b"\0\1")])
        if value is not None:
            without += encode([Element(0x00020010, "UI", value)])
        check(file_with(stray, JPEG, change=lambda _, meta=without: meta), plain, JPEG)  # type: ignore[misc]


def test_a_file_whose_meta_information_is_in_implicit_vr_is_recognised() -> None:
    for syntax in (EXPLICIT, IMPLICIT, JPEG):
        stray = stray_meta(IMPLICIT, says=EXPLICIT, whole=True)
        data = file_with(stray, syntax, change=lambda _: b"")
        assert read_file(anonymized(data)).syntax == (IMPLICIT if syntax == IMPLICIT else EXPLICIT)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_stray_group_cut_off_anywhere_is_refused_or_ends_between_elements(syntax: str) -> None:
    stray = stray_meta(syntax, says=JPEG, whole=True)
    whole = part10(b"", syntax) + stray
    for stop in range(len(whole) - len(stray), len(whole)):
        try:
            output = modified(whole[:stop])
        except DicomorphError:
            continue
        assert min(read_file(output).tree) >= 0x00080000


@pytest.mark.parametrize("vr", [b"LO", b"UT"])
def test_a_stray_element_of_undefined_length_is_refused(vr: bytes) -> None:
    header = b"\x02\0\x10\0" + (b"UT\0\0" if vr == b"UT" else b"") + b"\xff\xff\xff\xff"
    with pytest.raises(BadFileFormatError):
        anonymized(file_with(header + bytes(8), EXPLICIT))
