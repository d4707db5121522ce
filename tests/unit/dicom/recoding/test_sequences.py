"""Sequences and fragments in other encodings, and lengths that lie."""

from __future__ import annotations

import struct

import pytest

from dicomorph.dicom.stream.elements import MAXIMUM_DEPTH
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    UNDEFINED,
    Element,
    Fragments,
    encode,
    part10,
)
from tests.support.recoded import ENCODINGS, PAIRS, body, recoded

SEQUENCE, PRIVATE, NAME = 0x0040A730, 0x00091001, 0x00100010
ITEMS = [[Element(NAME, "PN", "Roe")], [], [Element(0x00280010, "US", 2)]]


def head(order: str, tag: int, length: int = 0) -> bytes:
    """Return an item, a delimiter, or an element in implicit VR."""
    return struct.pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)


def unknown(value: bytes, *, order: str = "<", undefined: bool = False, tag: int = PRIVATE) -> bytes:
    """Return an element of VR UN."""
    length = UNDEFINED if undefined else len(value)
    return struct.pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, length) + value


def recoded_body(data_set: bytes, of: str, to: str) -> bytes:
    return body(recoded(part10(data_set, of), to))


@pytest.mark.parametrize("to", [IMPLICIT, BIG])
@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize("tag", [PRIVATE, SEQUENCE])
def test_a_sequence_that_comes_as_un_is_one_afterwards(inside: str, to: str, tag: int) -> None:
    """Its length is undefined: PS3.5 6.2.2 has it in implicit VR, and some writers in explicit VR."""
    nested = Element(tag, "SQ", ITEMS, undefined=True)
    items = encode([nested], inside)[8 if inside == IMPLICIT else 12 :]
    assert recoded_body(unknown(items, undefined=True, tag=tag), EXPLICIT, to) == encode([nested], to)


@pytest.mark.parametrize("of", [EXPLICIT, BIG])
def test_bytes_of_vr_un_stay_as_they_are(of: str) -> None:
    """Those of a private sequence of defined length too: they are in implicit VR little endian."""
    value = encode([Element(PRIVATE, "SQ", ITEMS)], IMPLICIT)[8:]
    order, other = (">", EXPLICIT) if of == BIG else ("<", BIG)
    source = unknown(value, order=order)
    assert recoded_body(source, of, other) == unknown(value, order="<" if of == BIG else ">")
    assert recoded_body(source, of, IMPLICIT) == encode([Element(PRIVATE, "UN", value)], IMPLICIT)
    assert recoded_body(encode([Element(PRIVATE, "UN", value)], IMPLICIT), IMPLICIT, of) == source


def test_items_in_big_endian_that_come_as_un_are_a_sequence() -> None:
    for undefined in (True, False):
        nested = Element(PRIVATE, "SQ", ITEMS, undefined=undefined)
        items = encode([nested], BIG)[12:]
        for to in (EXPLICIT, IMPLICIT):
            assert recoded_body(unknown(items, order=">", undefined=undefined), BIG, to) == encode(
                [nested], to
            )


@pytest.mark.parametrize("vr", ["UN", "OB"])
def test_items_under_the_tag_of_a_sequence_are_opened(vr: str) -> None:
    nested = Element(SEQUENCE, "SQ", ITEMS)
    items = encode([nested], EXPLICIT)[12:]
    source = encode([Element(SEQUENCE, vr, items)], EXPLICIT)
    assert recoded_body(source, EXPLICIT, IMPLICIT) == encode([nested], IMPLICIT)
    if vr != "UN":
        assert recoded_body(source, EXPLICIT, BIG) == encode([nested], BIG)


@pytest.mark.parametrize(
    "element",
    [
        Element(SEQUENCE, "OB", b"no items"),
        Element(SEQUENCE, "FL", 1.5),
        Element(NAME, "SQ", ITEMS),
        Element(NAME, "SQ", ITEMS, undefined=True),
        Element(NAME, "SQ", ITEMS, undefined=True, unknown=True),
    ],
)
@pytest.mark.parametrize("depth", [0, 1])
def test_what_readers_of_implicit_vr_would_take_for_something_else_is_refused(
    element: Element, depth: int
) -> None:
    elements = [Element(SEQUENCE, "SQ", [[element]])] if depth else [element]
    with pytest.raises(BadFileFormatError):
        recoded(part10(encode(elements)), IMPLICIT)


def test_a_private_sequence_of_undefined_length_is_one_in_explicit_vr() -> None:
    nested = [Element(PRIVATE, "SQ", ITEMS, undefined=True)]
    for to in (EXPLICIT, BIG):
        assert recoded_body(encode(nested, IMPLICIT), IMPLICIT, to) == encode(nested, to)


@pytest.mark.parametrize("undefined", [True, False])
def test_a_private_sequence_of_the_dictionary_is_one_in_explicit_vr(*, undefined: bool) -> None:
    elements = [
        Element(0x00710010, "LO", "AGFA-AG_HPState"),
        Element(0x00711018, "SQ", ITEMS, undefined=undefined),
        Element(0x00711019, "SQ", []),
    ]
    assert recoded_body(encode(elements, IMPLICIT), IMPLICIT, EXPLICIT) == encode(elements)
    other = [elements[0], Element(0x00711018, "UN", b"no items")]
    assert recoded_body(encode(other, IMPLICIT), IMPLICIT, EXPLICIT) == encode(other)


@pytest.mark.parametrize(("of", "to"), PAIRS)
def test_encapsulated_icons_stay_so(of: str, to: str) -> None:
    def data_set(order: str, syntax: str) -> bytes:
        fragments = b"".join(head(order, 0xFFFEE000, len(piece)) + piece for piece in (b"", b"icon", b"!!"))
        pixels = encode([Element(0x7FE00010, "OB", b"")], syntax)[:-4] + b"\xff" * 4
        item = pixels + fragments + head(order, 0xFFFEE0DD)
        item += encode([Element(0x7FE11001, "UN", b"tail")], syntax)
        header = encode([Element(0x00880200, "SQ", [])], syntax)[:-4]
        length = struct.pack(order + "I", len(item) + 8)
        return header + length + head(order, 0xFFFEE000, len(item)) + item

    orders = {syntax: ">" if syntax == BIG else "<" for syntax in ENCODINGS}
    assert recoded_body(data_set(orders[of], of), of, to) == data_set(orders[to], to)


def test_delimiters_that_nobody_needs_are_left_out() -> None:
    item = encode([Element(NAME, "PN", "Roe^")], IMPLICIT) + head("<", 0xFFFEE00D)
    items = head("<", 0xFFFEE000, len(item)) + item + head("<", 0xFFFEE0DD)
    source = head("<", SEQUENCE, len(items)) + items
    expected = encode([Element(SEQUENCE, "SQ", [[Element(NAME, "PN", "Roe^")]])])
    assert recoded_body(source, IMPLICIT, EXPLICIT) == expected


def test_group_lengths_go_at_every_depth() -> None:
    def data_set(*, lengths: bool) -> list[Element]:
        found = [Element(0x00100000, "UL", 77)] if lengths else []
        return [*found, Element(NAME, "PN", "Roe^")]

    other = [Element(0x00100000, "OB", b"long"), Element(NAME, "PN", "Roe^")]
    nested = [Element(SEQUENCE, "SQ", [data_set(lengths=True), other])]
    expected = [Element(SEQUENCE, "SQ", [data_set(lengths=False)] * 2)]
    for of, to in ((IMPLICIT, EXPLICIT), (EXPLICIT, BIG), (BIG, IMPLICIT)):
        source = encode(data_set(lengths=True) + nested, of)
        assert recoded_body(source, of, to) == encode(data_set(lengths=False) + expected, to)


def nesting(depth: int, *, undefined: bool) -> list[Element]:
    found = [Element(NAME, "PN", "Roe^")]
    for _ in range(depth):
        found = [Element(SEQUENCE, "SQ", [found], undefined=undefined)]
    return found


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_are_as_deep_as_the_limit_and_no_deeper(*, undefined: bool) -> None:
    most = nesting(MAXIMUM_DEPTH, undefined=undefined)
    assert recoded_body(encode(most), EXPLICIT, IMPLICIT) == encode(most, IMPLICIT)
    beyond = part10(encode(nesting(MAXIMUM_DEPTH + 1, undefined=undefined)))
    with pytest.raises(BadFileFormatError):
        recoded(beyond, IMPLICIT)


NAMED = encode([Element(NAME, "PN", "Roe^")], IMPLICIT)
LONGER = head("<", NAME, 5) + b"Roe^"


@pytest.mark.parametrize(
    "items",
    [
        head("<", 0xFFFEE000, len(LONGER)) + LONGER,
        head("<", 0xFFFEE000, UNDEFINED) + NAMED,
        head("<", 0xFFFEE000, len(NAMED) + 1) + NAMED,
        head("<", 0xFFFEE000, len(NAMED)) + NAMED + head("<", 0xFFFEE00D),
        head("<", 0xFFFEE000, 20) + head("<", SEQUENCE, UNDEFINED) + head("<", 0xFFFEE000) + b"    ",
        head("<", 0xFFFEE000, 16) + head("<", SEQUENCE, UNDEFINED) + head("<", 0xFFFEE000),
        head("<", 0xFFFEE000, 28) + NAMED + head("<", 0xFFFEE0DD) + head("<", 0xFFFEE0DD),
        head("<", NAME, 4) + b"Roe^",
        b"items?",
    ],
)
def test_items_that_do_not_add_up_are_refused(items: bytes) -> None:
    data = part10(head("<", SEQUENCE, len(items)) + items, IMPLICIT)
    for to in (EXPLICIT, BIG):
        with pytest.raises(BadFileFormatError):
            recoded(data, to)


def lengths_that_lie(syntax: str) -> list[bytes]:
    """Return a data set with each of its lengths changed, one after the other."""
    found = []
    elements = [
        Element(NAME, "PN", "Roe^"),
        Element(SEQUENCE, "SQ", ITEMS),
        Element(0x0040A731, "UN", b"abcd"),
        Element(0x00420011, "OB", b"abcd"),
    ]
    whole = encode(elements, syntax)
    for lie in (1, 0xFFFF, 0xFFFFFFFE, UNDEFINED):
        for at in range(4, len(whole) - 4, 4):
            found += [whole[:at] + struct.pack("<I", lie) + whole[at + 4 :]]
    return found


@pytest.mark.parametrize("of", [IMPLICIT, EXPLICIT, BIG])
def test_lengths_that_lie_are_refused_or_make_another_data_set(of: str) -> None:
    refused = 0
    for data_set in lengths_that_lie(of):
        for to in {IMPLICIT, EXPLICIT, BIG} - {of}:
            try:
                product = recoded(part10(data_set, of), to)
            except BadFileFormatError:
                refused += 1
            else:
                assert body(recoded(product, to)) == body(product)
    assert refused > 50


@pytest.mark.parametrize("of", SYNTAXES[:3])
def test_a_file_may_end_anywhere(of: str) -> None:
    pixels = Element(0x7FE00010, "OB", Fragments((b"frame!",)), undefined=True)
    nested = [Element(SEQUENCE, "SQ", [*ITEMS, [Element(SEQUENCE, "SQ", [[pixels]])]], undefined=True)]
    whole = encode(nested, of)
    for stop in range(2, len(whole)):  # one byte that is zero is padding
        for to in (IMPLICIT, BIG):
            data = part10(whole[:stop], of)
            with pytest.raises(BadFileFormatError):
                recoded(data, to if to != of else EXPLICIT)


def asking_around(depth: int) -> list[Element]:
    """Return nested items, and in the innermost one what depends on all that are around it."""
    found = [Element(0x00280106, "US", 1)]
    for _ in range(depth):
        noise = [Element(tag, "SH", "") for tag in (0x00080050, 0x00080094, 0x00080100)]
        found = [*noise, Element(0x00189346, "SQ", [found], undefined=True)]
    return found


def test_few_items_are_looked_at_to_tell_a_sign() -> None:
    """Each is passed over by all around it: the time would grow with depth times size."""
    found = asking_around(8)
    assert recoded_body(encode(found, IMPLICIT), IMPLICIT, EXPLICIT) == encode(found)
    deep = part10(encode(asking_around(MAXIMUM_DEPTH), IMPLICIT), IMPLICIT)
    with pytest.raises(BadFileFormatError, match="signed"):
        recoded(deep, EXPLICIT)
