"""Attributes whose VR is ``US or SS``: signed where PixelRepresentation of the nearest data set says so."""

from __future__ import annotations

import json
import struct
from importlib import resources
from typing import Any

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, order_of
from tests.support.edits import anonymized, modified
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

_TABLE = resources.files("dicomorph.dicom.standard") / "tables" / "dictionary_2024c.json"
_KEYWORDS = {
    int(tag, 16): raw.split("|")[1]
    for tag, raw in json.loads(_TABLE.read_text())["tags"].items()
    if raw.startswith("US or SS|")
}
TAGS = sorted(_KEYWORDS)
DESCRIPTORS = [tag for tag in TAGS if _KEYWORDS[tag].endswith("Descriptor")]
PADDING, LUT = 0x00280120, 0x00283002
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
SIGNED, UNSIGNED = (Element(0x00280103, "US", number) for number in (1, 0))
NO_SIGN = Element(0x00280103, "US", b"")


def name(tag: int) -> str:
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"


def vr_and_numbers(tree: Tree, tag: int, syntax: str, letters: str) -> tuple[str, tuple[int, ...]]:
    node = tree[tag]
    return node.vr if syntax != IMPLICIT else "", struct.unpack(order_of(syntax) + letters, node.value)


def item_of(tree: Tree, *path: int) -> Tree:
    for tag in path:
        (tree,) = tree[tag].items or []
    return tree


def test_there_are_25_of_them_and_8_descriptors() -> None:
    assert (len(TAGS), len(DESCRIPTORS)) == (25, 8)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("is_present", [False, True])
@pytest.mark.parametrize("tag", TAGS)
def test_a_signed_image_gets_signed_values_and_no_others(tag: int, syntax: str, is_present: bool) -> None:  # noqa: FBT001
    present = [Element(tag, "US", (1, 2, 3))] if is_present else []
    data = small_file(SIGNED, *present, syntax=syntax)
    value, letters = "-1024\\1", "hh"
    numbers: tuple[int, ...] = (-1024, 1)
    if tag in DESCRIPTORS:
        value, letters, numbers = "40000\\-1024\\16", "HhH", (40000, -1024, 16)
    for output in (modified(data, Replace={name(tag): value}), anonymized(data, Replace={name(tag): value})):
        vr = "" if syntax == IMPLICIT else "SS"
        assert vr_and_numbers(tree_of(output), tag, syntax, letters) == (vr, numbers)
    with pytest.raises(BadFileFormatError):
        modified(data, Replace={name(tag): "0\\63000\\16"})


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", TAGS)
def test_an_unsigned_image_gets_unsigned_values_and_no_others(tag: int, syntax: str) -> None:
    data = small_file(UNSIGNED, Element(tag, "SS", -5), syntax=syntax)
    output = modified(data, Replace={name(tag): "0\\63000\\16"})
    vr = "" if syntax == IMPLICIT else "US"
    assert vr_and_numbers(tree_of(output), tag, syntax, "HHH") == (vr, (0, 63000, 16))
    with pytest.raises(BadFileFormatError):
        modified(data, Replace={name(tag): "0\\-1024\\16"})


@pytest.mark.parametrize("sign", [None, NO_SIGN])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_without_a_sign_the_vr_of_the_element_decides_and_else_it_is_unsigned(
    syntax: str, sign: Element | None
) -> None:
    given = [sign] if sign else []
    signed = small_file(*given, Element(PADDING, "SS", -5), syntax=syntax)
    output = modified(signed, Replace={name(PADDING): "-1024"})
    assert vr_and_numbers(tree_of(output), PADDING, syntax, "h") == ("SS", (-1024,))
    with pytest.raises(BadFileFormatError):
        modified(signed, Replace={name(PADDING): "63000"})
    for elements in ([], [Element(PADDING, "US", 5)], [Element(PADDING, "UN", b"\5\0")]):
        unsigned = small_file(*given, *elements, syntax=syntax)
        output = modified(unsigned, Replace={name(PADDING): "63000"})
        assert vr_and_numbers(tree_of(output), PADDING, syntax, "H") == ("US", (63000,))
        with pytest.raises(BadFileFormatError):
            modified(unsigned, Replace={name(PADDING): "-1024"})


def test_without_a_sign_implicit_values_are_unsigned() -> None:
    data = small_file(Element(PADDING, "SS", -5), syntax=IMPLICIT)
    with pytest.raises(BadFileFormatError):
        modified(data, Replace={name(PADDING): "-1024"})


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize(
    ("top", "middle", "inner", "is_signed"),
    [
        (SIGNED, None, None, True),
        (UNSIGNED, None, None, False),
        (UNSIGNED, SIGNED, None, True),
        (SIGNED, UNSIGNED, None, False),
        (UNSIGNED, UNSIGNED, SIGNED, True),
        (SIGNED, NO_SIGN, None, True),
        (SIGNED, SIGNED, UNSIGNED, False),
        (None, SIGNED, NO_SIGN, True),
    ],
)
def test_the_nearest_data_set_that_has_a_sign_decides(  # noqa: PLR0913, PLR0917 - the whole table
    syntax: str,
    undefined: bool,  # noqa: FBT001
    unknown: bool,  # noqa: FBT001
    top: Element | None,
    middle: Element | None,
    inner: Element | None,
    is_signed: bool,  # noqa: FBT001
) -> None:
    lut = 0x00283000
    deepest = Element(lut, "SQ", [[inner] if inner else []], undefined=undefined)
    items = [*([middle] if middle else []), deepest]
    outer = Element(SEQUENCE, "SQ", [items], undefined=undefined, unknown=unknown)
    data = small_file(outer, *([top] if top else []), syntax=syntax)
    body: dict[str, Any] = {"Replace": {f"0008,1250[0].0028,3000[0].{name(LUT)}": "1\\-1024\\16"}}
    if not is_signed:
        with pytest.raises(BadFileFormatError):
            modified(data, **body)
        return
    tree = item_of(tree_of(modified(data, **body)), SEQUENCE, lut)
    assert struct.unpack(order_of(syntax) + "HhH", tree[LUT].value) == (1, -1024, 16)
    assert not inner or inner.tag in tree


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_sign_that_the_request_itself_sets_counts(syntax: str) -> None:
    data = small_file(UNSIGNED, nested(UNSIGNED), syntax=syntax)
    body = {"0028,0103": "1", name(PADDING): "-1024"}
    output = modified(data, Replace=body)
    assert vr_and_numbers(tree_of(output), PADDING, syntax, "h")[1] == (-1024,)
    output = modified(data, Replace={f"0008,1250[0].{tag}": value for tag, value in body.items()})
    assert vr_and_numbers(item_of(tree_of(output), SEQUENCE), PADDING, syntax, "h")[1] == (-1024,)
    with pytest.raises(BadFileFormatError):
        modified(data, Remove=["0028,0103"], Replace={name(PADDING): "-1024"})


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_items_that_the_request_brings_take_the_sign_around_them_unless_they_have_one(syntax: str) -> None:
    items = [{name(PADDING): "-1024"}, {"0028,0103": "0", name(PADDING): "63000"}]
    output = modified(small_file(SIGNED, syntax=syntax), Replace={"0008,1250": items})
    first, second = tree_of(output)[SEQUENCE].items or []
    assert vr_and_numbers(first, PADDING, syntax, "h")[1] == (-1024,)
    assert vr_and_numbers(second, PADDING, syntax, "H")[1] == (63000,)
    with pytest.raises(BadFileFormatError):
        modified(small_file(UNSIGNED, syntax=syntax), Replace={"0008,1250": items})


def test_other_values_stay_as_the_file_has_them() -> None:
    data = small_file(SIGNED, Element(PADDING, "US", 63000), Element(LUT, "SS", (0, -5, 16)))
    tree = tree_of(modified(data, Replace={"0028,0106": "-1"}))
    assert (tree[PADDING].vr, tree[LUT].vr, tree[0x00280106].vr) == ("US", "SS", "SS")
