"""Elements that name no VR: read with that of the dictionary where the next element follows, else refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import (
    BIG,
    DEFLATED,
    EXPLICIT,
    JPEG,
    Element,
    encode,
    order_of,
    part10,
    rich,
)
from tests.support.edits import WindowedSource, anonymized, edited, modified, rewriter
from tests.support.shown_elements import shown

SYNTAXES = [EXPLICIT, BIG, DEFLATED, JPEG]
LONG = {"OB", "OW", "SQ", "UN"}
NONE = [b"  ", bytes(2), b"??", b"--", b"pn", b"Ob", b"\xff\xff", b"1A"]


def without_vr(element: Element, syntax: str, vr: bytes) -> bytes:
    """Return an element whose VR is none and whose length has 16 bits."""
    whole = encode([element], syntax)
    value = whole[12 if element.vr in LONG else 8 :]
    return whole[:4] + vr + struct.pack(order_of(syntax) + "H", len(value)) + value


def named(element: Element, syntax: str) -> bytes:
    """Return an element under the VR of the dictionary."""
    known = vr_of(element.tag).split(" or ")
    vr = known[-1] if known[0] == "OB" else known[0]
    return encode(
        [Element(element.tag, vr, encode([element], syntax)[12 if element.vr in LONG else 8 :])], syntax
    )


@pytest.mark.parametrize("shift", range(2))
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_any_element_may_come_without_a_vr(syntax: str, shift: int) -> None:
    body = rich(encapsulated=syntax == JPEG)
    engines = [rewriter({}), rewriter({"Replace": {"StationName": "X"}}, anonymize=False)]
    for number, element in enumerate(body):
        if element.undefined or element.unknown:  # a length of 32 bits, items in another encoding
            continue
        before, behind = encode(body[:number], syntax), encode(body[number + 1 :], syntax)
        file = part10(
            before + without_vr(element, syntax, NONE[(number + shift) % len(NONE)]) + behind, syntax
        )
        expected = part10(before + named(element, syntax) + behind, syntax)
        engine = engines[(number // 2 + shift) % 2]
        assert edited(file, engine) == edited(expected, engine), f"{element.tag:08x}"
        assert shown(file, whole=True) == shown(expected, whole=True)


def item_of(body: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def in_items(body: bytes, syntax: str, *, undefined: bool) -> bytes:
    """Return a data set that holds another one two sequences down."""
    order = order_of(syntax)
    for tag in (0x00089215, 0x00081250):
        length = 0xFFFFFFFF if undefined else len(body)
        end = struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0) if undefined else b""
        item = struct.pack(order + "HHI", 0xFFFE, 0xE000, length) + body + end
        body = encode([Element(tag, "SQ", item, undefined=undefined)], syntax)
    return body + encode([Element(0x00100010, "PN", "Doe")], syntax)


@given(
    syntax=st.sampled_from(SYNTAXES),
    vrs=st.lists(st.sampled_from([None, *NONE]), min_size=4, max_size=4),
    undefined=st.booleans(),
    shuffle=st.permutations(range(4)),
)
def test_so_may_those_in_items_in_order_or_not(
    syntax: str,
    vrs: list[bytes | None],
    undefined: bool,  # noqa: FBT001
    shuffle: list[int],
) -> None:
    elements = [
        Element(0x00080018, "UI", "1.2.3"),
        Element(0x00100010, "PN", "Doe^Jane"),
        Element(0x00100020, "LO", "P1"),
        Element(0x00180050, "DS", "1.5"),
    ]
    if any(vrs):
        shuffle = sorted(shuffle)  # who names no VR must stand where it belongs
    body = b"".join(
        encode([elements[n]], syntax) if vrs[n] is None else without_vr(elements[n], syntax, vrs[n] or b"")
        for n in shuffle
    )
    file = part10(in_items(body, syntax, undefined=undefined), syntax)
    expected = part10(in_items(encode(elements, syntax), syntax, undefined=undefined), syntax)
    assert anonymized(file) == anonymized(expected)
    replaced = {"0008,1250[*].0008,9215[*].StudyID": "1"}
    assert modified(file, Replace=replaced) == modified(expected, Replace=replaced)
    assert shown(file) == shown(expected)


@pytest.mark.parametrize(
    ("representation", "expected"), [(b"\0\0", "65535"), (b"\1\0", "-1"), (b"", "65535")]
)
def test_pixel_representation_tells_whether_a_value_is_signed(representation: bytes, expected: str) -> None:
    padding = Element(0x00280120, "US", b"\xff\xff")
    body = [*rich()[:4], Element(0x00280103, "US", representation)]
    file = part10(encode(body) + without_vr(padding, EXPLICIT, b"  "))
    assert shown(file)["0028,0120"] == expected
    assert (b"SS\2\0" in modified(file)) is (expected == "-1")
    items = encode([Element(0x00289110, "SQ", item_of(without_vr(padding, EXPLICIT, b"??")))])
    assert shown(part10(encode(body) + items))["0028,9110"] == [{"0028,0120": expected}]


@pytest.mark.parametrize("vr", [b"XX", b"ZZ", b"PO"])
def test_vrs_of_later_editions_are_not_guessed(vr: bytes) -> None:
    body = encode(rich()[:5]) + without_vr(Element(0x00100010, "PN", "Doe"), EXPLICIT, vr)
    for edit in (anonymized, modified, shown):
        with pytest.raises(BadFileFormatError, match="no valid VR"):
            edit(part10(body))


@pytest.mark.parametrize("vr", NONE)
def test_without_a_next_element_behind_16_bits_the_file_is_refused(vr: bytes) -> None:
    front, behind = encode(rich()[:5]), encode([Element(0x00104000, "LT", "x")])
    header = struct.pack("<HH", 0x10, 0x10) + vr
    long = header + b"\0\0" + struct.pack("<I", 8) + b"Doe^Jane"
    for element in (
        long,
        header + struct.pack("<H", 6) + b"Doe^Jane",
        header + struct.pack("<H", 10) + b"Doe^Jane",
        header + struct.pack("<H", 0xFFFE) + b"Doe^Jane",
    ):
        for edit in (anonymized, modified, shown):
            with pytest.raises(BadFileFormatError):
                edit(part10(front + element + behind))


def test_identifiers_without_a_vr_are_those_of_the_file() -> None:
    expected = describe(BufferSource(part10(encode(rich()))), default_encoding="Latin1")
    parts = [
        without_vr(element, EXPLICIT, b"  ")
        if element.tag in {0x00080018, 0x00100020, 0x0020000D, 0x0020000E}
        else encode([element])
        for element in rich()
    ]
    for source in (BufferSource(part10(b"".join(parts))), WindowedSource(part10(b"".join(parts)))):
        found = describe(source, default_encoding="Latin1", whole=True)
        assert found.identifiers == expected.identifiers
        assert found.facts == expected.facts


@pytest.mark.parametrize("vr", NONE)
def test_elements_of_the_file_meta_information_may_come_without_a_vr(vr: bytes) -> None:
    data, body = part10(encode(rich())), encode(rich())
    for name in (b"UI", b"AE"):
        meta = data[132 : -len(body)]
        for at in (
            at for at in range(len(meta)) if meta[at : at + 2] == name and meta[at - 4 : at - 2] == b"\2\0"
        ):
            damaged = data[: 132 + at] + vr + data[134 + at :]
            assert anonymized(damaged) == anonymized(data)
            assert shown(damaged) == shown(data)
    at = data.index(b"OB\0\0\2\0\0\0")
    with pytest.raises(BadFileFormatError):
        anonymized(data[:at] + vr + data[at + 2 :])
