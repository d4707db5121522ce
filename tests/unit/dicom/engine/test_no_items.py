"""Known sequences sent under a VR with a 16-bit length, with a value that does not begin with an item."""

from __future__ import annotations

import pytest

from dicomorph.dicom.standard.vrs import SHORT_VRS
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.remarks import Remark
from tests.dicom_factory import BIG, EXPLICIT, Element, encode, part10
from tests.support.edits import anonymized, modified, rewriter

SECRET = b"Doe^John"
VALUES = {
    "text": SECRET,
    "a delimiter before it": b"\xfe\xff\xdd\xe0" + bytes(4) + SECRET,
    "items of another byte order": b"\xff\xfe\xe0\x00\x00\x00\x00\x08" + SECRET,
    "a blank before an item": b"  \xfe\xff\x00\xe0\x08\x00\x00\x00" + SECRET,
}


def holding(vr: str, value: bytes, depth: int, syntax: str) -> bytes:
    body = [Element(0x00081250, vr, value)]
    for _ in range(depth):
        body = [Element(0x00081115, "SQ", [body])]
    return part10(encode([*body, Element(0x00100020, "LO", "P1")], syntax), syntax)


@pytest.mark.parametrize("vr", sorted(vr.decode() for vr in SHORT_VRS))
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_is_no_sequence_goes_when_anonymizing_and_is_counted(vr: str, value: bytes) -> None:
    for depth in range(3):
        file = holding(vr, value, depth, EXPLICIT)
        script = rewriter({}).rewrite(BufferSource(file))
        assert SECRET not in script.join(BufferSource(file))
        assert script.remarks == {Remark.UNREADABLE_SEQUENCES}
        assert SECRET in modified(file, Replace={"StudyID": "1"})


def test_in_big_endian_too() -> None:
    for depth in range(3):
        assert SECRET not in anonymized(holding("LO", SECRET, depth, BIG))


def test_an_empty_one_says_nothing_and_stays() -> None:
    file = holding("LO", b"", 0, EXPLICIT)
    assert b"\x08\x00\x50\x12LO" in anonymized(file)
    assert not rewriter({}).rewrite(BufferSource(file)).remarks


@pytest.mark.parametrize(("vr", "size"), [("AT", 4), ("FL", 4), ("SL", 4), ("UL", 4), ("SS", 2), ("US", 2)])
def test_a_single_short_number_names_nobody_and_stays(vr: str, size: int) -> None:
    for depth in range(3):
        number, numbers = b"\x01\x02\x03\x04"[:size], b"\x01\x02\x03\x04"[:size] * 2
        assert encode([Element(0x00081250, vr, number)]) in anonymized(holding(vr, number, depth, EXPLICIT))
        assert numbers not in anonymized(holding(vr, numbers, depth, EXPLICIT))
