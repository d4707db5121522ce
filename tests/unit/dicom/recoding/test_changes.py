"""What changes while a data set is recoded: attributes at the top level, and the pixel data."""

from __future__ import annotations

import struct
import zlib

import pytest

from dicomorph.dicom.recoding.changes import PixelDataParts
from dicomorph.dicom.stream.edit_script import ScriptPart
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, Element, Fragments, encode, part10
from tests.support.recoded import ENCODINGS, body, recoded

PIXELS, INSTANCE, RATIO = 0x7FE00010, 0x00080018, 0x00282112
RLE = "1.2.840.10008.1.2.5"
BASE = [
    Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    Element(INSTANCE, "UI", "1.2.3"),
    Element(0x00100010, "PN", "Roe^"),
    Element(0x00280010, "US", 2),
]
TAIL = Element(0x7FE11001, "UN", b"tail")
NATIVE = Element(PIXELS, "OW", (1, 2, 3, 4))


def file(elements: list[Element], syntax: str = EXPLICIT) -> bytes:
    return part10(encode(elements, syntax), syntax)


def parts(*pieces: ScriptPart, vr: bytes = b"OW", is_encapsulated: bool = False) -> PixelDataParts:
    size = sum(
        len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
        for piece in pieces
        if isinstance(piece, bytes | tuple)
    )
    return PixelDataParts(pieces, vr, is_encapsulated, size)


def encapsulated(*fragments: bytes) -> PixelDataParts:
    value = encode([Element(PIXELS, "OB", Fragments(fragments), undefined=True)], JPEG)[12:]
    return parts(value, vr=b"OB", is_encapsulated=True)


@pytest.mark.parametrize("to", ENCODINGS)
@pytest.mark.parametrize("of", ENCODINGS)
def test_elements_are_set_inserted_and_removed_in_the_order_of_tags(of: str, to: str) -> None:
    changed = recoded(
        file([*BASE, TAIL], of),
        to,
        changes={
            0x00080008: (b"CS", b"DERIVED\\PRIMARY"),
            0x00080022: None,
            INSTANCE: (b"UI", b"1.2.3.4"),
            0x00100010: None,
            0x00280010: (b"US", struct.pack("<H", 3)),
            RATIO: (b"DS", b"12.5"),
            0x00409216: (b"SS", struct.pack("<h", -2)),
            0xFFFCFFFC: (b"OB", b"odd"),
        },
    )
    expected = [
        Element(0x00080008, "CS", "DERIVED\\PRIMARY"),
        BASE[0],
        Element(INSTANCE, "UI", "1.2.3.4"),
        Element(0x00280010, "US", 3),
        Element(RATIO, "DS", "12.5"),
        Element(0x00409216, "SS", -2),
        TAIL,
        Element(0xFFFCFFFC, "OB", b"odd\0"),
    ]
    assert body(changed) == encode(expected, to)
    meta = read_file(changed).meta
    assert meta[0x00020010] == to.encode()
    assert meta[0x00020003].rstrip(b"\0") == b"1.2.3.4"


def test_the_file_meta_information_names_the_instance_that_stays() -> None:
    meta = read_file(recoded(file(BASE), BIG)).meta
    assert meta[0x00020003] == b"1.2.3"
    assert meta[0x00020002] == b"1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize("to", ENCODINGS)
def test_a_sequence_may_be_set(to: str) -> None:
    items = [[Element(0x00080100, "SH", "113072"), Element(0x00280010, "US", 2)], []]
    value = encode([Element(0x00089215, "SQ", items)])[12:]
    found = recoded(file(BASE), to, changes={0x00089215: (b"SQ", value)})
    assert body(found) == encode([*BASE[:2], Element(0x00089215, "SQ", items), *BASE[2:]], to)


def test_a_long_value_may_be_set() -> None:
    value = bytes(range(250)) * 400
    expected = Element(0x00281201, "OW", struct.unpack("<50000H", value))
    for to in ENCODINGS:
        found = recoded(file(BASE), to, changes={0x00281201: (b"OW", value)})
        assert body(found) == encode([*BASE, expected], to)
    with pytest.raises(BadFileFormatError):
        recoded(file(BASE), EXPLICIT, changes={0x00080008: (b"CS", value)})


@pytest.mark.parametrize("of", ENCODINGS)
@pytest.mark.parametrize("to", ENCODINGS)
def test_native_pixel_data_may_be_replaced(of: str, to: str) -> None:
    order = ">" if to == BIG else "<"
    new = struct.pack(order + "3H", 7, 8, 9)
    found = recoded(file([*BASE, NATIVE, TAIL], of), to, pixel_data=parts(new[:2], new[2:]))
    assert body(found) == encode([*BASE, Element(PIXELS, "OW", (7, 8, 9)), TAIL], to)


def test_native_pixel_data_of_odd_length_are_padded() -> None:
    found = recoded(file([*BASE, NATIVE]), EXPLICIT, pixel_data=parts(b"abc", vr=b"OB"))
    assert body(found) == encode([*BASE, Element(PIXELS, "OB", b"abc\0")])


@pytest.mark.parametrize("of", [*ENCODINGS, JPEG])
def test_pixel_data_are_encapsulated_and_lose_what_counted_their_bytes(of: str) -> None:
    offsets = [Element(0x7FE00001, "OV", bytes(8)), Element(0x7FE00002, "OV", bytes(8))]
    offsets.append(Element(0x7FE00003, "UV", bytes(8)))
    frames = Fragments((b"frame one!", b"frame two!"))
    new = Element(PIXELS, "OB", frames, undefined=True)
    found = recoded(file([*BASE, *offsets, NATIVE, TAIL], of), RLE, pixel_data=encapsulated(*frames))
    assert body(found) == encode([*BASE, new, TAIL], RLE)
    kept = {0x7FE00001: (b"OV", bytes(16))}
    found = recoded(file([*BASE, *offsets, NATIVE], of), RLE, pixel_data=encapsulated(*frames), changes=kept)
    assert body(found) == encode([*BASE, Element(0x7FE00001, "OV", bytes(16)), new], RLE)


@pytest.mark.parametrize("to", ENCODINGS)
def test_ranges_in_pixel_data_are_those_of_the_file(to: str) -> None:
    """Also where its data set is inflated, or put in order, before it is recoded."""
    elements = [*BASE, NATIVE]
    for data in (file(elements), file(elements, DEFLATED), file([*reversed(BASE), NATIVE])):
        found = recoded(data, to, pixel_data=parts((128, 132), b"--", (130, 132)))
        assert body(found) == encode([*BASE, Element(PIXELS, "OW", b"DICM--CM")], to)


def test_pixel_data_may_lie_in_a_source_of_their_own() -> None:
    kept = PixelDataParts([KeptPart(BufferSource(b"12345678"))], b"OW", is_encapsulated=False, size=8)
    for of in (EXPLICIT, DEFLATED):
        found = recoded(file([*BASE, NATIVE], of), IMPLICIT, pixel_data=kept)
        assert body(found) == encode([*BASE, Element(PIXELS, "OW", b"12345678")], IMPLICIT)


def test_pixel_data_are_inserted_where_there_are_none() -> None:
    found = recoded(file([*BASE, TAIL]), EXPLICIT, pixel_data=parts(b"1234"))
    assert body(found) == encode([*BASE, Element(PIXELS, "OW", b"1234"), TAIL])


@pytest.mark.parametrize("to", [IMPLICIT, BIG, EXPLICIT, DEFLATED])
def test_encapsulated_pixel_data_cannot_stay_in_a_native_transfer_syntax(to: str) -> None:
    fragments = Element(PIXELS, "OB", Fragments((b"frame!",)), undefined=True)
    with pytest.raises(BadFileFormatError, match="pixel data"):
        recoded(file([*BASE, fragments], JPEG), to)
    assert body(recoded(file([*BASE, fragments, TAIL], JPEG), RLE)) == encode([*BASE, fragments, TAIL])


def test_pixel_data_stay_as_they_are_in_their_own_transfer_syntax() -> None:
    """However wrong that is for them."""
    fragments = Element(PIXELS, "OB", Fragments((b"frame!",)), undefined=True)
    for elements, syntax in (([*BASE, fragments], EXPLICIT), ([*BASE, NATIVE], JPEG)):
        data = part10(encode(elements), syntax)
        assert body(recoded(data, syntax)) == encode(elements)


def test_native_pixel_data_cannot_stay_where_they_are_encapsulated() -> None:
    with pytest.raises(BadFileFormatError, match="pixel data"):
        recoded(file([*BASE, NATIVE]), JPEG)
    for others in ([], [Element(PIXELS, "OW", b"")], [Element(0x7FE00008, "OF", b"abcd")]):
        assert body(recoded(file([*BASE, *others], IMPLICIT), JPEG)) == encode([*BASE, *others])


def test_pixel_data_of_a_private_transfer_syntax_cannot_stay() -> None:
    """That of GE has them in big endian, in a data set in little endian."""
    data = part10(encode([*BASE, NATIVE], IMPLICIT), "1.2.840.113619.5.2")
    with pytest.raises(BadFileFormatError, match="pixel data"):
        recoded(data, EXPLICIT)
    found = recoded(data, EXPLICIT, pixel_data=parts(b"1234"))
    assert body(found) == encode([*BASE, Element(PIXELS, "OW", b"1234")])


def test_only_transfer_syntaxes_of_the_standard_are_written() -> None:
    with pytest.raises(BadFileFormatError):
        recoded(file(BASE), "1.2.3")


def test_a_deflated_file_is_raw_deflate_of_even_length() -> None:
    found = recoded(file(BASE), DEFLATED)
    length = struct.unpack_from("<I", found, 140)[0]
    assert zlib.decompressobj(-zlib.MAX_WBITS).decompress(found[144 + length :]) == encode(BASE)
    assert len(found) % 2 == 0
