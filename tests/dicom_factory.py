"""DICOM files for tests, element by element, so that odd encodings can be asked for.

`rich` numbers patients, studies, series and instances: equal numbers give equal identifiers.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import TypeAlias

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG]
UNDEFINED = 0xFFFFFFFF
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
CODECS = {"": "latin-1", "ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "ISO_IR 144": "iso8859-5"}

_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OW": "H", "AT": "I"}
_ROOT = "1.2.826.0.1.3680043.8.498"

Items: TypeAlias = "list[list[Element]]"


class Fragments(tuple[bytes, ...]):
    """Encapsulated frames, one fragment each; the offset table is empty."""

    __slots__ = ()


@dataclass(frozen=True)
class Element:
    """An element to be encoded; strings are encoded in the character set, numbers in the byte order."""

    tag: int
    vr: str
    value: str | bytes | int | float | tuple[int, ...] | Fragments | Items = b""
    undefined: bool = False  # length of the sequence, of its items, of the fragments
    unknown: bool = False  # to be sent as UN, with what it holds in implicit VR


def encode(elements: list[Element], syntax: str = EXPLICIT, codec: str = "latin-1") -> bytes:
    """Return a data set (not deflated)."""
    return b"".join(_element(element, syntax, codec) for element in elements)


def _element(element: Element, syntax: str, codec: str) -> bytes:
    order = order_of(syntax)
    if isinstance(element.value, Fragments) and syntax in {IMPLICIT, BIG}:  # never encapsulated
        element = replace(element, value=b"".join(element.value), undefined=False)
    if element.unknown and syntax not in {IMPLICIT, BIG}:
        vr, raw = "UN", _raw(element, IMPLICIT, "<", codec)
    else:
        vr, raw = element.vr, _raw(element, syntax, order, codec)
    length = len(raw)
    if element.undefined:
        raw, length = raw + struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0), UNDEFINED
    head = struct.pack(order + "HH", element.tag >> 16, element.tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", length) + raw
    if vr in _LONG:
        return head + vr.encode() + b"\0\0" + struct.pack(order + "I", length) + raw
    return head + vr.encode() + struct.pack(order + "H", length) + raw


def order_of(syntax: str) -> str:
    return ">" if syntax == BIG else "<"


def _raw(element: Element, syntax: str, order: str, codec: str) -> bytes:
    value = element.value
    if isinstance(value, list):
        return b"".join(_item(item, syntax, codec, undefined=element.undefined) for item in value)
    if isinstance(value, str):
        raw = value.encode(codec)
        return raw + (b"\0" if element.vr == "UI" else b" ") * (len(raw) % 2)
    if isinstance(value, bytes):
        return value
    if isinstance(value, Fragments):
        pieces = (struct.pack(order + "HHI", 0xFFFE, 0xE000, len(piece)) + piece for piece in (b"", *value))
        return b"".join(pieces)
    numbers = value if isinstance(value, tuple) else (value,)
    if element.vr == "AT":
        numbers = tuple(half for tag in numbers for half in (int(tag) >> 16, int(tag) & 0xFFFF))
        return struct.pack(f"{order}{len(numbers)}H", *numbers)
    return struct.pack(f"{order}{len(numbers)}{_NUMBERS[element.vr]}", *numbers)


def _item(item: list[Element], syntax: str, codec: str, *, undefined: bool) -> bytes:
    declared = next((e.value for e in item if e.tag == 0x00080005), None)
    body = encode(item, syntax, CODECS[declared] if isinstance(declared, str) else codec)
    order = order_of(syntax)
    if undefined:
        return (
            struct.pack(order + "HHI", 0xFFFE, 0xE000, UNDEFINED)
            + body
            + struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0)
        )
    return struct.pack(order + "HHI", 0xFFFE, 0xE000, len(body)) + body


def part10(
    body: bytes,
    syntax: str = EXPLICIT,
    *,
    preamble: bytes = bytes(128),
    instance: str = "1.2.3",
    sop_class: str = CT_IMAGE_STORAGE,
) -> bytes:
    """Return a file: preamble, file meta information, and the data set, deflated if the syntax says so."""
    meta = encode(
        [
            Element(0x00020001, "OB", b"\0\1"),
            Element(0x00020002, "UI", sop_class),
            Element(0x00020003, "UI", instance),
            Element(0x00020010, "UI", syntax),
            Element(0x00020012, "UI", _ROOT),
            Element(0x00020016, "AE", "SENDER"),
            Element(0x00020100, "UI", _ROOT),
            Element(0x00020102, "OB", b"private!"),
        ]
    )
    if syntax == DEFLATED:
        compressor = zlib.compressobj(wbits=-15)
        body = compressor.compress(body) + compressor.flush()
        body += b"\0" * (len(body) % 2)
    length = encode([Element(0x00020000, "UL", len(meta))])
    return preamble + b"DICM" + length + meta + body


def uid(*numbers: int) -> str:
    return ".".join((_ROOT, *map(str, numbers)))


def rich(
    patient: int = 1,
    study: int = 1,
    series: int = 1,
    instance: int = 1,
    *,
    charset: str = "ISO_IR 100",
    encapsulated: bool = False,
) -> list[Element]:
    """Return a data set with something of everything that the engine must cope with."""
    place = (patient, study, series, instance)
    references = Element(
        0x00081140,
        "SQ",
        [
            [
                Element(0x00081150, "UI", CT_IMAGE_STORAGE),
                Element(0x00081155, "UI", uid(patient, study, series, n)),
            ]
            for n in (1, 2)
        ],
    )
    return sorted(
        [
            Element(0x00080005, "CS", charset),
            Element(0x00080012, "DA", "20200101"),
            Element(0x00080016, "UI", CT_IMAGE_STORAGE),
            Element(0x00080018, "UI", uid(*place)),
            Element(0x00080020, "DA", "20200102"),
            Element(0x00080060, "CS", "CT"),
            Element(0x00080080, "LO", "Hôpital" if charset != "ISO_IR 144" else "Больница"),
            Element(0x00080090, "PN", ""),
            Element(0x00081030, "LO", f"Study {study}"),
            references,
            replace(references, tag=0x00082112, undefined=True),
            _deep(patient),
            Element(0x00090010, "LO", "ACME 1.1"),
            Element(0x00091001, "UN", b"secret!!"),
            Element(
                0x00091002,
                "SQ",
                [[Element(0x00100010, "PN", "Private^Name"), Element(0x00100020, "LO", f"P{patient}")]],
            ),
            Element(0x00100010, "PN", "Müller^Élodie" if charset != "ISO_IR 144" else "Иванов^Иван"),
            Element(0x00100020, "LO", f"P{patient}"),
            Element(0x00100030, "DA", "19700101"),
            Element(0x00100040, "CS", "F"),
            Element(0x00101030, "DS", "70.5"),
            Element(0x0020000D, "UI", uid(patient, study)),
            Element(0x0020000E, "UI", uid(patient, study, series)),
            Element(0x00200013, "IS", str(instance)),
            Element(0x00200052, "UI", uid(patient, study, 9)),
            Element(0x00280010, "US", 2),
            Element(0x00280011, "US", 4),
            Element(0x00280100, "US", 16),
            Element(0x00289110, "SQ", [[Element(0x00180050, "DS", "1.5")], []]),
            replace(references, tag=0x00400275, unknown=True),
            Element(0x00400340, "SQ", references.value, undefined=True, unknown=True),
            Element(0x0040A730, "SQ", [[Element(0x0040A123, "PN", "Observer^One")], []], undefined=True),
            Element(0x50000010, "US", 1),
            Element(0x60000010, "US", 2),
            Element(0x60003000, "OW", (1, 2, 3, 4)),
            Element(0x60004000, "LT", "overlay comment"),
            _pixels(encapsulated=encapsulated),
            Element(0x7FE10010, "LO", "TAIL"),
            Element(0x7FE11001, "LO", "private tail"),
            Element(0xFFFAFFFA, "SQ", [[Element(0x04000100, "UI", uid(7))]]),
            Element(0xFFFCFFFC, "OB", b"padding!"),
        ],
        key=lambda element: element.tag,
    )


def _deep(patient: int) -> Element:
    """Return identifiers three sequences down, with a character set of their own on the way."""
    inner = [
        Element(0x00080018, "UI", uid(patient, 1, 1, 1)),
        Element(0x00091001, "LO", "nested private"),
        Element(0x00100010, "PN", "Нестор^Имя"),
        Element(0x00100020, "LO", f"P{patient} "),
        Element(0x0020000D, "UI", uid(patient, 1)),
        Element(0x60003000, "OW", (1, 2)),
    ]
    middle = [
        Element(0x00080005, "CS", "ISO_IR 144"),
        Element(0x00081115, "SQ", [inner]),
        Element(0x00880200, "SQ", [[Element(0x7FE00010, "OB", Fragments((b"icon",)), undefined=True)]]),
    ]
    return Element(0x00081250, "SQ", [[Element(0x00081115, "SQ", [middle], undefined=True)]])


def _pixels(*, encapsulated: bool) -> Element:
    if encapsulated:
        return Element(
            0x7FE00010,
            "OB",
            Fragments((b"\xff\xd8frame one!\xff\xd9", b"\xff\xd8frame two!\xff\xd9")),
            undefined=True,
        )
    return Element(0x7FE00010, "OW", tuple(range(8)))


def rich_file(
    patient: int = 1,
    study: int = 1,
    series: int = 1,
    instance: int = 1,
    *,
    charset: str = "ISO_IR 100",
    syntax: str = EXPLICIT,
) -> bytes:
    """Return a whole file of `rich` in a transfer syntax."""
    elements = rich(patient, study, series, instance, charset=charset, encapsulated=syntax == JPEG)
    body = encode(elements, syntax, CODECS[charset])
    return part10(
        body, syntax, instance=uid(patient, study, series, instance), preamble=b"II*\0" + bytes(124)
    )
