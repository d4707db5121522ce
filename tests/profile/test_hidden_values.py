"""One value hidden in a file, of each kind in which names hid: it goes, or the file is refused."""

from __future__ import annotations

import struct

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import Element
from tests.profile.instances import CT, STRUCTURE_SET, bytes_of, changed
from tests.profile.products import product

HIDDEN = "Zorblatt"
CODE = Element(0x00080104, "LO", HIDDEN)
PDF, CDA, PRESENTATION_STATE, ECG, SEGMENTATION, RT_PLAN, HANGING_PROTOCOL = (
    "1.2.840.10008.5.1.4.1.1.104.1",
    "1.2.840.10008.5.1.4.1.1.104.2",
    "1.2.840.10008.5.1.4.1.1.11.1",
    "1.2.840.10008.5.1.4.1.1.9.1.1",
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.481.5",
    "1.2.840.10008.5.1.4.38.1",
)


def colour_profile(text: str, signature: bytes = b"acsp") -> bytes:
    """Return an ICC profile with a description and nothing else (ICC.1, 7 and 10)."""
    value = b"desc" + struct.pack(">II", 0, len(text) + 1) + text.encode() + bytes(80)
    value += bytes(len(value) % 2)
    table = struct.pack(">I", 1) + b"desc" + struct.pack(">II", 144, len(value))
    header = struct.pack(">I", 144 + len(value)).ljust(36, b"\0") + signature
    return header.ljust(128, b"\0") + table + value


KINDS = {
    "address of an instance": (CT, [Element(0x00081190, "UR", f"https://a.example/{HIDDEN}")]),
    "source of a frame": (CT, [Element(0x00081167, "UI", f"1.2.3.{HIDDEN}")]),
    "retired recognition code": (CT, [Element(0x00080010, "SH", HIDDEN)]),
    "retired location": (CT, [Element(0x00200070, "LO", HIDDEN)]),
    "retired ids of source images": (CT, [Element(0x00203101, "CS", HIDDEN.upper())]),
    "retired device of a modified image": (CT, [Element(0x00203404, "LO", HIDDEN)]),
    "unknown text": (CT, [Element(0x0018FFF0, "LO", HIDDEN)]),
    "unknown binary": (CT, [Element(0x0018FFF0, "OB", HIDDEN.encode())]),
    "unknown sequence": (CT, [Element(0x0018FFF0, "SQ", [[Element(0x00100010, "PN", HIDDEN)]])]),
    "sequence sent as unknown": (
        CT,
        [Element(0x0018FFF0, "SQ", [[Element(0x00100010, "PN", HIDDEN)]], unknown=True)],
    ),
    "name sent as a number": (CT, [Element(0x00100010, "US", HIDDEN.encode())]),
    "name sent as a sequence": (CT, [Element(0x00100010, "SQ", [[CODE]])]),
    "text behind a date": (CT, [Element(0x00080020, "DA", f"20200101{HIDDEN}")]),
    "code with text behind NUL": (CT, [Element(0x00080060, "CS", f"OT\0{HIDDEN}")]),
    "text in a number": (CT, [Element(0x00181150, "IS", HIDDEN)]),
    "text in a UID": (CT, [Element(0x00200052, "UI", HIDDEN)]),
    "text of a colour profile": (CT, [Element(0x00282000, "OB", colour_profile(HIDDEN))]),
    "text of a colour profile without signature": (
        CT,
        [Element(0x00282000, "OB", colour_profile(HIDDEN, b"\0\0\0\0"))],
    ),
    "file meta information in the data set": (CT, [Element(0x00041130, "CS", HIDDEN.upper())]),
    "title of a document": (PDF, [Element(0x00420010, "ST", HIDDEN)]),
    "content of a document": (PDF, [Element(0x00420011, "OB", b"%PDF-1.4 " + HIDDEN.encode() + b" ")]),
    "name in a MIME type": (PDF, [Element(0x00420012, "LO", f"application/pdf; name={HIDDEN}")]),
    "identifier of a CDA document": (CDA, [Element(0x0040E001, "ST", f"1.2.3^{HIDDEN}")]),
    "description of content": (PRESENTATION_STATE, [Element(0x00700081, "LO", HIDDEN)]),
    "description of a layer": (
        PRESENTATION_STATE,
        [Element(0x00700060, "SQ", [[Element(0x00700002, "CS", "ONE"), Element(0x00700068, "LO", HIDDEN)]])],
    ),
    "label of a waveform": (
        ECG,
        [Element(0x54000100, "SQ", [[Element(0x003A0020, "SH", HIDDEN), Element(0x003A0005, "US", 1)]])],
    ),
    "tracking id": (
        SEGMENTATION,
        [Element(0x00620002, "SQ", [[Element(0x00620004, "US", 1), Element(0x00620020, "UT", HIDDEN)]])],
    ),
    "description of a beam": (RT_PLAN, [Element(0x300A00B0, "SQ", [[Element(0x300A00C3, "ST", HIDDEN)]])]),
    "name of a region": (STRUCTURE_SET, [Element(0x30060020, "SQ", [[Element(0x30060026, "LO", HIDDEN)]])]),
    "value of a selector": (
        HANGING_PROTOCOL,
        [Element(0x00720022, "SQ", [[Element(0x00720050, "CS", "LO"), Element(0x00720066, "LO", HIDDEN)]])],
    ),
    "private element without creator": (CT, [Element(0x00091010, "LO", HIDDEN)]),
    "private group 1": (CT, [Element(0x00010010, "LO", HIDDEN)]),
    "private element in a kept sequence sent as unknown": (
        CT,
        [Element(0x00081250, "SQ", [[Element(0x00091010, "LO", HIDDEN)]], unknown=True)],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_text_goes(kind: str) -> None:
    sop_class, elements = KINDS[kind]
    data = bytes_of(*elements, sop_class=sop_class)
    assert HIDDEN.upper().encode() in data.upper()
    try:
        written = product(data)
    except BadFileFormatError:
        return
    assert HIDDEN.upper().encode() not in written.upper()


@pytest.mark.parametrize(
    ("tag", "vr"),
    [(0x00281201, "OW"), (0x00283006, "OW"), (0x00189073, "FD"), (0x00280009, "AT"), (0x00189810, "OB")],
)
def test_what_is_no_text_stays_bit_for_bit(tag: int, vr: str) -> None:
    """A limit that the documentation states: numbers may spell what they like."""
    found = changed(Element(tag, vr, HIDDEN.encode()))
    assert found.elements[tag,].value == HIDDEN.encode()
