"""Compressed frames for tests: real and built ones, and a second reading of what must leave them.

`cleaned` shares nothing with the engine: it takes a whole frame apart and puts it together again.
"""

from __future__ import annotations

import random
import re
import struct
from functools import cache
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.encaps import generate_fragments

from tests.dicom_factory import JPEG, Element, encode, part10

JPEG_2000 = "1.2.840.10008.1.2.4.90"
PIXEL_DATA, TABLE, LENGTHS = 0x7FE00010, 0x7FE00001, 0x7FE00002
SECRET = b"PATIENT^SECRET"
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
_BANNER = re.compile(
    rb"(Created by (GDCM/)?OpenJPEG version [\d.]+|Creator: JasPer Version [\d.]+|Kakadu-v?[\d.]+)\0?"
)
_JP2 = b"\0\0\0\x0cjP"


@cache
def real_frame(name: str) -> bytes:
    """Return the first frame of one of pydicom's files, without padding."""
    dataset = pydicom.dcmread(BUNDLED / name, force=True)
    fragments = list(generate_fragments(dataset.PixelData))[1:]
    if dataset.get("NumberOfFrames", 1) == 1:
        fragments = [b"".join(fragments)]
    return fragments[0][: fragments[0].rindex(b"\xff\xd9") + 2]


def segment(marker: int, body: bytes) -> bytes:
    """Return a marker segment of JPEG or JPEG 2000."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def samples(size: int, seed: int, highest: int = 0x7F) -> bytes:
    """Return what might be entropy-coded: no byte behind FF is above `highest`."""
    found = random.Random(seed).randbytes(size)  # noqa: S311 - reproducible, no secret
    return re.sub(rb"\xff.", lambda m: bytes((0xFF, min(m[0][1], highest))), found + b"\0", flags=re.DOTALL)


def jpeg(*, between: bytes = b"", head: bytes = b"", tail: bytes = b"") -> bytes:
    """Return a frame in the form of a progressive JPEG with three scans."""
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
    tables = segment(0xDB, bytes(65)) + segment(0xC4, bytes(range(19)))
    frame = segment(0xC2, b"\x08\x00\x10\x00\x10\x01\x01\x11\x00")
    scans = b"".join(
        between + segment(0xC4, bytes(20)) + scan + samples(400, n, 0) + b"\xff\xd1" + samples(90, n, 0)
        for n in range(3)
    )
    return b"\xff\xd8" + head + tables + frame + scans + tail + b"\xff\xd9"


def jpeg_2000(
    *, head: bytes = b"", tile: bytes = b"", lengths: str = "", open_end: bool = False, tiles: int = 3
) -> bytes:
    """Return a codestream of several tile-parts.

    `lengths` is empty, or how TLM writes the index and the length of a tile-part, as in `struct`.
    """
    parts = [tile + segment(0x58, bytes((n, 1, 2))) + b"\xff\x93" + samples(300 + n, n) for n in range(tiles)]
    sizes = [len(part) + 12 for part in parts]
    found = b"\xff\x4f" + segment(0x51, bytes(36)) + head + segment(0x52, bytes(10))
    found += _lengths(sizes, lengths) if lengths else b""
    for n, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        declared = 0 if open_end and n == tiles - 1 else size
        found += segment(0x90, struct.pack(">HIBB", n, declared, 0, 1)) + part
    return found + b"\xff\xd9"


def _lengths(sizes: list[int], form: str) -> bytes:
    """Return TLM in two segments, the second one first."""
    has_index = len(form) > 1
    code = (" BH".index(form[0]) if has_index else 0) << 4 | form.endswith("I") << 6
    entries = [
        struct.pack(">" + form, *((n, size) if has_index else (size,))) for n, size in enumerate(sizes)
    ]
    half = len(sizes) // 2
    return b"".join(
        segment(0x55, bytes((n, code)) + b"".join(part))
        for n, part in ((1, entries[half:]), (0, entries[:half]))
    )


def encapsulated(fragments: list[bytes], offsets: list[int] | None = None) -> bytes:
    """Return the value of pixel data without its delimiter."""
    table = struct.pack(f"<{len(offsets or ())}I", *(offsets or ()))
    return b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(each)) + each for each in (table, *fragments))


def starts(fragments: list[bytes]) -> list[int]:
    """Return the offset of each fragment, as offset tables count them."""
    found = [0]
    for fragment in fragments:
        found.append(found[-1] + 8 + len(fragment))
    return found[:-1]


def even(frame: bytes) -> bytes:
    return frame + b"\0" * (len(frame) % 2)


def split(frame: bytes, size: int) -> list[bytes]:
    """Return a frame in pieces."""
    return [frame[at : at + size] for at in range(0, len(frame), size)]


def file_of(
    fragments: list[bytes],
    offsets: list[int] | None = None,
    *,
    syntax: str = JPEG,
    extended: tuple[list[int], list[int]] | None = None,
) -> bytes:
    """Return a file with these fragments, as they are, and with elements behind the pixel data."""
    elements = [Element(0x00080018, "UI", "1.2.3"), Element(0x00280008, "IS", str(len(fragments)))]
    if extended:
        for tag, numbers in zip((TABLE, LENGTHS), extended, strict=True):
            elements.append(Element(tag, "OV", struct.pack(f"<{len(numbers)}Q", *numbers)))
    elements.append(Element(PIXEL_DATA, "OB", encapsulated(fragments, offsets), undefined=True))
    elements.append(Element(0xFFFCFFFC, "OB", b"padding!"))
    return part10(encode(elements), syntax)


def fragments_of(data: bytes) -> tuple[list[int], list[bytes]]:
    """Return the Basic Offset Table and the fragments of a file."""
    (value,) = (pydicom.dcmread(BytesIO(data))[PIXEL_DATA].value,)
    (length,) = struct.unpack_from("<I", value, 4)
    table = list(struct.unpack_from(f"<{length // 4}I", value, 8))
    return table, list(generate_fragments(value[8 + length :]))


def cleaned(frame: bytes) -> bytes:
    """Return a whole frame without comments and application data, and without what trails."""
    if frame.startswith(b"\xff\xd8\xff"):
        return _clean_jpeg(frame)
    if frame.startswith(b"\xff\x4f\xff\x51"):
        return _clean_codestream(frame)
    return _clean_boxes(frame) if frame.startswith(_JP2) else frame


def _clean_jpeg(frame: bytes) -> bytes:
    out, pos = frame[:2], 2
    while True:
        marker = frame[pos + 1]
        if marker == 0xD9:
            return out + b"\xff\xd9"
        if marker == 0xFF:  # fill bytes
            out, pos = out + b"\xff", pos + 1
            continue
        stop = pos + 2 + int.from_bytes(frame[pos + 2 : pos + 4], "big")
        body = frame[pos + 4 : stop]
        jfif = marker == 0xE0 and len(body) == 14 and body[:5] == b"JFIF\0" and body[12:] == b"\0\0"
        adobe = marker == 0xEE and len(body) == 12 and body[:5] == b"Adobe"
        banner = marker == 0xFE and _BANNER.fullmatch(body)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or jfif or adobe or banner:
            out += frame[pos:stop]
        pos = stop
        if marker == 0xDA:
            while frame[pos] != 0xFF or frame[pos + 1] < 0x80 or frame[pos + 1] in range(0xD0, 0xD8):
                pos += 1
            out += frame[stop:pos]


def _clean_header(frame: bytes, pos: int) -> tuple[list[bytes], int]:
    found: list[bytes] = []
    while frame[pos + 1] not in {0x90, 0x93}:
        stop = pos + 2 + int.from_bytes(frame[pos + 2 : pos + 4], "big")
        comment = frame[pos + 1] == 0x64
        if not comment or (frame[pos + 4 : pos + 6] == b"\0\1" and _BANNER.fullmatch(frame[pos + 6 : stop])):
            found.append(frame[pos:stop])
        pos = stop
    return found, pos


def _clean_codestream(frame: bytes) -> bytes:
    main, pos = _clean_header(frame, 2)
    assert not any(part[1] == 0x55 for part in main), "no sample has the lengths of its tile-parts"
    out = frame[:2] + b"".join(main)
    while frame[pos + 1] == 0x90:
        size = int.from_bytes(frame[pos + 6 : pos + 10], "big") or len(frame) - pos
        header, data = _clean_header(frame, pos + 12)
        part = b"".join(header) + frame[data : pos + size]
        out += frame[pos : pos + 6] + struct.pack(">I", 12 + len(part)) + frame[pos + 10 : pos + 12] + part
        pos += size
    return out + frame[pos : pos + 2]


def _clean_boxes(frame: bytes) -> bytes:
    out, pos = b"", 0
    while pos + 8 < len(frame):
        size, kind = struct.unpack_from(">I4s", frame, pos)
        content = frame[pos + 8 : pos + (size or len(frame))]
        if kind == b"jp2c":
            out += box(kind, _clean_codestream(content))
        elif kind in {b"jP  ", b"ftyp", b"jp2h"}:
            out += box(kind, content)
        pos += size or len(frame)
    return out


def clean_value(value: bytes) -> bytes:
    """Return encapsulated pixel data cleaned, if each fragment is a frame that can be."""
    table, *fragments = generate_fragments(value)
    if not all(each.startswith((b"\xff\xd8\xff", b"\xff\x4f\xff\x51", _JP2)) for each in fragments):
        return value
    found = [cleaned(each) for each in fragments]
    found = [old if old.startswith(new) else even(new) for old, new in zip(fragments, found, strict=True)]
    return encapsulated(found, starts(found) if table else None)


COMMENT = segment(0xFE, SECRET + b"!")  # of an odd length
DIRTY, CLEAN = jpeg(head=COMMENT, between=COMMENT), jpeg()
