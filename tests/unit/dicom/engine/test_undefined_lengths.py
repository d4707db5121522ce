"""Undefined length is for sequences and encapsulated pixel data alone (PS3.5 7.1.2, A.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.description import describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, UNDEFINED, Element, encode, part10
from tests.support.codestreams import CLEAN, DIRTY, SECRET, encapsulated, even
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.hidden_names import ITEM, ITEM_DELIMITATION, LONG_VRS, SHORT_VRS, element, tag_and_length
from tests.support.small_files import NAMED, nested

# An attribute for each VR in the dictionary, kept or removed; a private creator, a group length.
ATTRIBUTES = (
    *(0x00080055, 0x00101010, 0x00280009, 0x00080060, 0x00080022, 0x00180050, 0x00189074, 0x00189087),
    *(0x00181320, 0x00200013, 0x00080070, 0x00104000, 0x00282000, 0x00281201, 0x00100010, 0x00080100),
    *(0x00186020, 0x00189219, 0x00080081, 0x00080030, 0x00080119, 0x00080058, 0x00186018, 0x00081190),
    *(0x00280010, 0x0040A160, 0x7FE00008, 0x7FE00009, 0x7FE00001, 0x00280120, 0x00660129, 0x00720082),
    *(0x7FE00003, 0x00090010, 0x00100000),
)
NOT_ALLOWED = "undefined length"
PIXEL_DATA = 0x7FE00010
EDITS: list[Callable[[bytes], object]] = [
    anonymized,
    lambda data: anonymized(data, KeepPrivateTags=True, DicomVersion="2008"),
    lambda data: anonymized(data, Replace={"0008,1250[*].StudyID": "1"}),
    lambda data: modified(data, RemovePrivateTags=True),
]


def shown(data: bytes) -> dict[str, Any]:
    source = BufferSource(data)
    return dataset_json(source, form=TagsForm.SHORT, default_encoding="Latin1", whole=True)


def windowed(data: bytes, **body: Any) -> bytes:
    """Return a file anonymized while no more than it takes is at hand."""
    before, windows.WINDOW = windows.WINDOW, 48
    try:
        source = WindowedSource(data)
        return rewriter(body).rewrite(source).join(source)
    finally:
        windows.WINDOW = before


def file_with(raw: bytes, syntax: str, depth: int, *, undefined: bool = False) -> bytes:
    """Return a file with an element, given as bytes, so many sequences down."""
    for _ in range(depth):
        item = tag_and_length(ITEM, len(raw), syntax) + raw
        if undefined:
            item = tag_and_length(ITEM, UNDEFINED, syntax) + raw
            item += tag_and_length(ITEM_DELIMITATION, 0, syntax)
        raw = element(0x00081250, "SQ", item, syntax, undefined=undefined)
    first = encode([Element(tag, "UI", "1.2.3") for tag in (0x00080016, 0x00080018)], syntax)
    behind = encode([Element(0xFFFCFFFE, "LO", "BEHIND")], syntax)
    return part10(first + raw + behind, syntax)


def items_in(syntax: str) -> bytes:
    """Return what a sequence may hold: an item, whose delimiter some readers take for the value's."""
    whole = encode([Element(0x00081140, "SQ", [[nested(NAMED, undefined=True)]], undefined=True)], syntax)
    return whole[8 if syntax == IMPLICIT else 12 : -8]


def is_behind_pixels(raw: bytes, syntax: str) -> bool:
    """Tell whether an element stands where tags are shown up to what cannot be read."""
    return int.from_bytes(raw[:2], "big" if syntax == BIG else "little") > PIXEL_DATA >> 16


def refused_everywhere(raw: bytes, syntax: str) -> None:
    """Assert that nothing takes a file with an element, wherever it stands."""
    for depth in (0, 1, 3):
        for undefined in (False, True)[: depth + 1]:
            data = file_with(raw, syntax, depth, undefined=undefined)
            is_read = undefined or not depth  # as a part of what an upload looks at
            readers = [modified, *([] if is_behind_pixels(raw, syntax) and not depth else [shown])]
            for act in (*EDITS, windowed, *(readers if is_read else ())):
                with pytest.raises(BadFileFormatError, match=NOT_ALLOWED):
                    act(data)


@pytest.mark.parametrize("vr", [vr for vr in LONG_VRS if vr not in {"SQ", "UN"}])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG, DEFLATED])
def test_a_vr_that_allows_no_undefined_length_is_refused_with_one(vr: str, syntax: str) -> None:
    for tag in (0x00080070, 0x00081030, 0x00081140, 0x00091010, 0x00180FF0, 0x7FE00008, 0x7FE10010):
        refused_everywhere(element(tag, vr, items_in(syntax), syntax, undefined=True), syntax)


@pytest.mark.parametrize("tag", ATTRIBUTES, ids=vr_of)
def test_an_attribute_that_allows_no_undefined_length_is_refused_with_one_in_implicit_vr(tag: int) -> None:
    refused_everywhere(element(tag, "", items_in(IMPLICIT), IMPLICIT, undefined=True), IMPLICIT)


def test_there_is_an_attribute_for_each_vr() -> None:
    assert {*LONG_VRS, *SHORT_VRS} - {"SQ", "UN"} <= {vr_of(tag) for tag in ATTRIBUTES}


@pytest.mark.parametrize("vr", [vr for vr in LONG_VRS if vr not in {"OB", "OW"}])
def test_pixel_data_of_undefined_length_are_fragments_of_one_vr_or_the_other(vr: str) -> None:
    raw = element(PIXEL_DATA, vr, encapsulated([even(CLEAN)]), EXPLICIT, undefined=True)
    if vr != "SQ":  # a sequence in an item is one, to everybody
        refused_everywhere(raw, EXPLICIT)
    for act in (*EDITS, windowed, modified, shown):
        with pytest.raises(BadFileFormatError, match=NOT_ALLOWED):
            act(file_with(raw, EXPLICIT, 0))


@pytest.mark.parametrize("where", ["public UN", "private UN", "SQ"])
def test_what_hides_in_a_sequence_of_undefined_length_is_refused_too(where: str) -> None:
    hidden = element(0x00080070, "UT", items_in(EXPLICIT), EXPLICIT, undefined=True)
    item = tag_and_length(ITEM, len(hidden), EXPLICIT) + hidden
    tag = 0x00091010 if where == "private UN" else 0x00081140
    raw = element(tag, where[-2:], item, EXPLICIT, undefined=True)
    for depth in (0, 1, 3):
        data = file_with(raw, EXPLICIT, depth)
        with pytest.raises(BadFileFormatError, match=NOT_ALLOWED):
            anonymized(data, KeepPrivateTags=True)


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("undefined", [False, True])
def test_an_upload_is_refused_as_far_as_it_is_read(depth: int, undefined: bool) -> None:  # noqa: FBT001
    for syntax, vr in ((EXPLICIT, "LO"), (EXPLICIT, "UT"), (BIG, "UT"), (IMPLICIT, "")):
        uids = encode([Element(tag, "UI", "1.2") for tag in (0x0020000D, 0x0020000E)], syntax)
        raw = element(0x00080070, vr, items_in(syntax), syntax, undefined=vr != "LO")
        data = file_with(raw, syntax, depth, undefined=undefined).replace(
            encode([Element(0xFFFCFFFE, "LO", "BEHIND")], syntax), uids
        )
        if vr != "LO" and (undefined or not depth):
            with pytest.raises(BadFileFormatError, match=NOT_ALLOWED):
                describe(BufferSource(data), default_encoding="Latin1")
        else:
            assert describe(BufferSource(data), default_encoding="Latin1").facts


@pytest.mark.parametrize(("syntax", "vr"), [(EXPLICIT, "OB"), (EXPLICIT, "OW"), (BIG, "OB"), (IMPLICIT, "")])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_fragments_are_taken_wherever_pixel_data_stand(syntax: str, vr: str, depth: int) -> None:
    for undefined in (False, True):
        frames = {}
        for frame in (CLEAN, DIRTY):
            pieces = (tag_and_length(ITEM, len(piece), syntax) + piece for piece in (b"", even(frame)))
            raw = element(PIXEL_DATA, vr, b"".join(pieces), syntax, undefined=True)
            frames[frame] = file_with(raw, syntax, depth, undefined=undefined)
        assert anonymized(frames[DIRTY]) == anonymized(frames[CLEAN])
        assert even(CLEAN) in anonymized(frames[DIRTY])
        assert windowed(frames[DIRTY]) == anonymized(frames[CLEAN])
        assert SECRET in modified(frames[DIRTY], RemovePrivateTags=True)
        assert SECRET in modified(frames[DIRTY], Replace={"0008,1250[1].StudyID": "1"})
        assert "fffc,fffe" in shown(frames[DIRTY])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_fragments_of_undefined_length_are_refused_where_pixel_data_are_stepped_over(syntax: str) -> None:
    name = encode([NAMED], syntax) + tag_and_length(ITEM_DELIMITATION, 0, syntax)
    raw = element(PIXEL_DATA, "OB", tag_and_length(ITEM, UNDEFINED, syntax) + name, syntax, undefined=True)
    for depth in (0, 1, 3):
        for act in (anonymized, modified):
            with pytest.raises(BadFileFormatError):
                act(file_with(raw, syntax, depth, undefined=True))
