"""Items nested without end: refused, never for long."""

from __future__ import annotations

import struct

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import anonymized, modified

UNDEFINED = 0xFFFFFFFF


def nested(depth: int, *, undefined: bool, implicit: bool) -> bytes:
    """Return a sequence that many sequences deep, by hand: the factory would recurse."""
    head = struct.pack("<HH", 0x0040, 0xA730)
    vr = b"" if implicit else b"SQ\0\0"
    if undefined:
        opening = head + vr + struct.pack("<I", UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
        closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        return opening * depth + closing * depth
    pieces: list[bytes] = []
    size = 0
    for _ in range(depth):
        pieces += [struct.pack("<HHI", 0xFFFE, 0xE000, size), head + vr + struct.pack("<I", size + 8)]
        size += 16 + len(vr)
    return b"".join(reversed(pieces))


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    "body", [{}, {"Keep": ["ContentSequence"]}, {"Keep": ["ContentSequence", "PatientName"]}]
)
def test_bottomless_nesting_is_refused(implicit: bool, undefined: bool, body: dict[str, list[str]]) -> None:  # noqa: FBT001
    content = nested(10_000, undefined=undefined, implicit=implicit)
    syntax = IMPLICIT if implicit else EXPLICIT
    data = part10(encode([Element(0x00080018, "UI", "1.2.3")], syntax) + content, syntax)
    try:
        output = anonymized(data, DicomVersion="2008", **body)
    except BadFileFormatError:
        return
    # Nothing in it is of interest: it was copied, or removed, without being opened.
    assert not undefined
    assert content in output or b"\x40\x00\x30\xa7" not in output


@pytest.mark.parametrize("undefined", [False, True])
def test_bottomless_nesting_behind_un_is_refused(undefined: bool) -> None:  # noqa: FBT001
    inner = nested(10_000, undefined=undefined, implicit=True)
    content = inner[:4] + b"UN\0\0" + inner[4:]
    data = part10(encode([Element(0x00080018, "UI", "1.2.3")]) + content)
    with pytest.raises(BadFileFormatError):
        modified(data, RemovePrivateTags=True)
