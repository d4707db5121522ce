"""Data sets that one reader takes for explicit VR and another for implicit VR: neither finds what went."""

from __future__ import annotations

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import Description, describe
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, encode, part10, rich
from tests.support.edits import anonymized, modified

UNKNOWN = "1.3.6.1.4.1.99999.1"
SPELT = [b"BA", b"DA", b"LO", b"PN", b"ZZ", b"VQ"]  # as lengths: the first byte is the lower
HIDDEN = encode([Element(0x00100010, "PN", "Doe^John"), Element(0x00100020, "LO", "P1")], EXPLICIT)
READ_IN_TWO_WAYS = "can be read in implicit and in explicit VR"


def spelling(vr: bytes) -> bytes:
    """Return a value whose length is spelt by a VR; it holds a data set in explicit VR."""
    length = int.from_bytes(vr, "little") & ~1
    return HIDDEN + bytes(length - len(HIDDEN))


def uploaded(data: bytes) -> Description:
    return describe(BufferSource(data), default_encoding="Latin1", whole=True)


@pytest.mark.parametrize("vr", SPELT)
@pytest.mark.parametrize("syntax", [IMPLICIT, UNKNOWN])
@pytest.mark.parametrize("tag", [0x00080005, 0x00080008])
def test_a_first_length_that_spells_a_vr_is_refused_where_elements_hide_behind_it(
    vr: bytes, syntax: str, tag: int
) -> None:
    body = [Element(tag, "UN", spelling(vr)), Element(0x00200013, "IS", "1 ")]
    file = part10(encode(body, IMPLICIT), syntax)
    for read in (anonymized, modified, uploaded):
        with pytest.raises(BadFileFormatError):
            read(file)


@pytest.mark.parametrize("vr", SPELT)
@pytest.mark.parametrize("before", [0x00040000, 0x00080000, 0x00080001])
def test_so_is_one_that_is_first_when_others_have_left(vr: bytes, before: int) -> None:
    body = [Element(before, "UL", b"\x04\0\0\0"), Element(0x00080008, "CS", spelling(vr))]
    file = part10(encode(body, IMPLICIT), IMPLICIT)
    with pytest.raises(BadFileFormatError, match=READ_IN_TWO_WAYS):
        anonymized(file, Remove=["0008,0001"])


@pytest.mark.parametrize("syntax", [EXPLICIT, JPEG, DEFLATED, UNKNOWN])
@pytest.mark.parametrize("front", [b"", bytes(8), bytes(160)])
def test_elements_that_a_reader_of_the_uid_finds_in_a_value_are_refused(syntax: str, front: bytes) -> None:
    hidden = front + encode([Element(0x00080005, "CS", "ISO_IR 100")], EXPLICIT) + HIDDEN
    file = part10(encode([Element(0x00080008, "CS", hidden)], IMPLICIT), syntax)
    with pytest.raises(BadFileFormatError):
        anonymized(file)
    with pytest.raises(BadFileFormatError):
        uploaded(file)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, JPEG, DEFLATED, UNKNOWN])
def test_ordinary_data_sets_in_implicit_vr_are_read_in_one_way(syntax: str) -> None:
    file = part10(encode(rich(), IMPLICIT), syntax)
    assert anonymized(anonymized(file))
    assert uploaded(file).identifiers.sop_instance_uid
    assert modified(file, Remove=["SpecificCharacterSet"])


def test_explicit_vr_under_the_uid_of_implicit_vr_is_refused_where_its_lengths_fit_that_too() -> None:
    length = int.from_bytes(b"CS", "little")
    inner = encode([Element(0x00100010, "PN", "Doe^John")], IMPLICIT)
    filled = bytes(length - 12) + inner
    body = [
        Element(0x00080000, "UL", bytes(4)),
        Element(0x00080008, "CS", ""),
        Element(0x00282000, "OB", filled),
    ]
    with pytest.raises(BadFileFormatError):
        anonymized(part10(encode(body, EXPLICIT), IMPLICIT))


def as_unknown(tag: int, items: list[list[Element]], syntax: str, *, undefined: bool) -> Element:
    """Return a sequence of VR UN in an encoding of its own."""
    whole = encode([Element(tag, "SQ", items, undefined=undefined)], syntax)
    return Element(tag, "UN", whole[12 if syntax == EXPLICIT else 8 :])


@pytest.mark.parametrize("vr", SPELT)
@pytest.mark.parametrize("before", [[], [[]], [[Element(0x00081150, "UI", "1.2")]]])
@pytest.mark.parametrize("depth", [0, 1])
def test_items_sent_as_un_are_refused_if_a_first_length_in_them_spells_a_vr(
    vr: bytes, before: list[list[Element]], depth: int
) -> None:
    item = [Element(0x00080008, "UN", spelling(vr))]
    element = as_unknown(0x00081140, [*before, item], IMPLICIT, undefined=False)
    for _ in range(depth):
        element = Element(0x00081115, "SQ", [[element]])
    try:
        output = anonymized(part10(encode([element], EXPLICIT), EXPLICIT))
    except BadFileFormatError:
        return
    assert b"Doe" not in output


@pytest.mark.parametrize("vr", SPELT)
def test_private_ones_go(vr: bytes) -> None:
    creator = Element(0x00290010, "LO", "ACME")
    item = [Element(0x00080008, "UN", spelling(vr))]
    element = as_unknown(0x00291001, [[Element(0x00081150, "UI", "1.2")], item], IMPLICIT, undefined=False)
    output = anonymized(part10(encode([creator, element], EXPLICIT), EXPLICIT), KeepPrivateTags=True)
    assert b"ACME" in output
    assert b"Doe" not in output


def test_explicit_items_sent_as_un_are_refused_where_their_lengths_fit_implicit_vr_too() -> None:
    length = int.from_bytes(b"CS", "little") - 12
    hidden = bytes(length) + encode([Element(0x00100010, "PN", "Doe^John")], IMPLICIT)
    item = [Element(0x00080008, "CS", ""), Element(0x00282000, "OB", hidden)]
    element = as_unknown(0x00081140, [item], EXPLICIT, undefined=False)
    with pytest.raises(BadFileFormatError, match=READ_IN_TWO_WAYS):
        anonymized(part10(encode([element], EXPLICIT), EXPLICIT))
