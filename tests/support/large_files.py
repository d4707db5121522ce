"""Files of any size with compressed frames, made at once: what matters is where markers are."""

from __future__ import annotations

import struct

from tests.dicom_factory import CT_IMAGE_STORAGE, Element, encode, part10, uid
from tests.support.codestreams import encapsulated, even, samples, segment

JPEG = "1.2.840.10008.1.2.4.50"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
_BLOCK = 1 << 10


def compressed_frame(size: int, syntax: str = JPEG, *, comment: bytes = b"") -> bytes:
    """Return a frame of about so many bytes, with a comment in its header if there is to be one."""
    block = samples(_BLOCK - 1, 1, 0)[: _BLOCK - 1] + b"\x11"  # no marker goes over from one to the next
    body = block * (size // _BLOCK)
    if syntax == JPEG:
        head = segment(0xFE, comment) if comment else b""
        head += segment(0xDB, bytes(65)) + segment(0xC0, b"\x08\x00\x10\x00\x10\x01\x01\x11\x00")
        return even(b"\xff\xd8" + head + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + body + b"\xff\xd9")
    head = segment(0x51, bytes(36)) + (segment(0x64, b"\0\1" + comment) if comment else b"")
    tile = segment(0x90, struct.pack(">HIBB", 0, len(body) + 14, 0, 1)) + b"\xff\x93" + body
    return even(b"\xff\x4f" + head + segment(0x52, bytes(10)) + tile + b"\xff\xd9")


def encapsulated_file(frame: bytes, count: int, syntax: str = JPEG, *, behind: bytes = b"") -> bytes:
    """Return a file that holds a frame so many times, and something behind its pixel data if there is any."""
    elements = [
        Element(0x00080016, "UI", CT_IMAGE_STORAGE),
        Element(0x00080018, "UI", uid(2, 1, 1, 1)),
        Element(0x00100010, "PN", "Doe^Jane"),
        Element(0x00100020, "LO", "P1"),
        Element(0x0020000D, "UI", uid(2, 1)),
        Element(0x0020000E, "UI", uid(2, 1, 1)),
        Element(0x00280002, "US", 1),
        Element(0x00280008, "IS", str(count)),
        Element(0x7FE00010, "OB", encapsulated([frame] * count), undefined=True),
    ]
    if behind:
        elements.append(Element(0xFFFCFFFC, "OB", behind))
    return part10(encode(elements), syntax)
