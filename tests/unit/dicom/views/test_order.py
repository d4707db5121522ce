"""What is said of files out of order: as of the same files in order, the first of each element."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.whole_scan import read_values_in_order
from dicomorph.dicom.views.description import Description, describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.identifiers import DicomIdentifiers
from dicomorph.model.metadata_names import PIXEL_DATA_OFFSET
from dicomorph.model.resources import Level
from tests.compat.strategies import SYNTAXES, Case, cases
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10, rich
from tests.support.disorder import in_order, shuffled
from tests.support.edits import WindowedSource
from tests.support.shown_elements import shown

IDENTIFIERS = (0x00080018, 0x00100020, 0x0020000D, 0x0020000E)


def described(data: bytes) -> Description:
    return describe(BufferSource(data), default_encoding="Latin1", whole=True)


def told(data: bytes) -> tuple[DicomIdentifiers, dict[Level, tuple[Any, dict[str, str]]]]:
    """Return a description without the place of the pixel data."""
    found = described(data)
    facts = {
        level: (each.main_tags, {k: v for k, v in each.metadata.items() if k != PIXEL_DATA_OFFSET})
        for level, each in found.facts.items()
    }
    return found.identifiers, facts


@st.composite
def bodies(draw: st.DrawFn) -> tuple[list[Element], str]:
    """Draw a data set out of order, at the top level too or in items only, and its character set."""
    case: Case = draw(cases())
    return shuffled(draw, case.body, least=draw(st.integers(0, 1))), case.codec


@given(drawn=bodies(), syntax=SYNTAXES, form=st.sampled_from(TagsForm))
def test_tags_of_a_file_out_of_order_are_shown_as_in_order(
    drawn: tuple[list[Element], str], syntax: str, form: TagsForm
) -> None:
    body, codec = drawn
    file, ordered = (part10(encode(each, syntax, codec), syntax) for each in (body, in_order(body)))
    assert list(shown(file, form).items()) == list(shown(ordered, form).items())
    assert shown(file, form, whole=True) == shown(ordered, form, whole=True)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG])
def test_a_file_is_stored_under_its_first_identifiers_wherever_they_stand(syntax: str) -> None:
    body = rich(encapsulated=syntax == JPEG)
    expected = told(part10(encode(body, syntax), syntax))
    for tag in IDENTIFIERS:
        [element] = [each for each in body if each.tag == tag]
        others = [each for each in body if each.tag != tag]
        other = Element(tag, element.vr, "1.2.3.4.5")
        for moved in ([*others, element], [element, *others], [*body, other], [element, other, *others]):
            assert told(part10(encode(moved, syntax), syntax)) == expected, f"{tag:08x}"


def test_without_pixel_data_attributes_behind_padding_count() -> None:
    body = [each for each in rich() if each.tag != 0x7FE00010]
    identifiers = [each for each in body if each.tag in IDENTIFIERS]
    others = [each for each in body if each.tag not in IDENTIFIERS]
    assert told(part10(encode([*others, *identifiers]))) == told(part10(encode(body)))


def test_pixel_data_are_where_the_file_has_them() -> None:
    body = [*rich(), Element(0x00080060, "CS", "MR")]
    for file in (part10(encode(body)), part10(encode(body[::-1]))):
        offset = int(described(file).facts[Level.INSTANCE].metadata[PIXEL_DATA_OFFSET])
        assert file[offset : offset + 6] == b"\xe0\x7f\x10\0OW"


def test_request_attributes_out_of_order_are_kept_in_order() -> None:
    item = [
        Element(0x00401001, "SH", "id"),
        Element(0x00400009, "SH", "step"),
        Element(0x00401001, "SH", "x"),
    ]
    for each in (item, in_order(item)):
        body = [*rich(), Element(0x00400275, "SQ", [each])]
        body = [element for element in body if element.tag != 0x00400275 or not element.unknown]
        told_item = told(part10(encode(sorted(body, key=lambda element: element.tag))))
        assert '"0040,0009"' in str(told_item).replace("\\", "")
        assert told_item == told(part10(encode(in_order(body))))


def test_values_for_a_merge_are_the_first_ones() -> None:
    body = [Element(0x0020000D, "UI", "1.2"), *rich()[::-1], Element(0x00100020, "LO", "other")]
    data = open_dataset(WindowedSource(part10(encode(body))))
    found = read_values_in_order(data, {0x0020000D, 0x00100020}, default_encoding="Latin1")
    assert {tag: value.rstrip("\0 ") for tag, value in found.items()} == {0x0020000D: "1.2", 0x00100020: "P1"}
