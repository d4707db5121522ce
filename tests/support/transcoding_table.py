"""The table of docs/transcoding.md, made by asking each codec for every kind of pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import Pixels
from tests.support.coded_frames import codec_for
from tools.marked_parts import replace_part, rewrite

COMMAND = "python -m tests.support.transcoding_table"
PAGE = Path(__file__).parents[2] / "docs/transcoding.md"
_NAMES = {
    "4.50": "JPEG Baseline",
    "4.51": "JPEG Extended",
    "4.57": "JPEG Lossless",
    "4.70": "JPEG Lossless, first-order",
    "4.80": "JPEG-LS Lossless",
    "4.81": "JPEG-LS Near-lossless",
    "4.90": "JPEG 2000 Lossless",
    "4.91": "JPEG 2000",
    "4.201": "HTJ2K Lossless",
    "4.202": "HTJ2K Lossless RPCL",
    "4.203": "HTJ2K",
    "5": "RLE Lossless",
}
_ROOT = "1.2.840.10008.1.2."
_GREY, _PALETTE, _RGB, _YBR = "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"


def page_with_table() -> str:
    """Return the page with the table as it should be."""
    return replace_part(PAGE.read_text(encoding="utf-8"), "kinds", "\n".join(["", *_rows(), "", ""]))


def _rows() -> Iterator[str]:
    yield "| `…` of 1.2.840.10008.1.2.`…` | name | grey | signed | palette | RGB | YBR_FULL | RGB becomes |"
    yield "|---|---|---|---|---|---|---|---|"
    for syntax in SYNTAXES:
        suffix = syntax.removeprefix(_ROOT)
        kinds = [_bits(syntax, _GREY), _bits(syntax, _GREY, is_signed=True)]
        kinds += [_bits(syntax, photometric) for photometric in (_PALETTE, _RGB, _YBR)]
        becomes = codec_for(syntax).encoded_photometric(_pixels(8, 8, _RGB))
        yield f"| {suffix} | {_NAMES[suffix]} | {' | '.join(kinds)} | {becomes} |"


def _bits(syntax: str, photometric: str, *, is_signed: bool = False) -> str:
    """Return the bits stored that are taken, of those allocated."""
    found = []
    for allocated in (8, 16, 32):
        stored = [
            bits
            for bits in range(1, allocated + 1)
            if _is_taken(syntax, _pixels(allocated, bits, photometric, is_signed=is_signed))
        ]
        if stored:
            first = f"{stored[0]} to " if len(stored) > 1 else ""
            found.append(f"{first}{stored[-1]} of {allocated}")
    return ", ".join(found) or "no"


def _pixels(allocated: int, stored: int, photometric: str, *, is_signed: bool = False) -> Pixels:
    samples = 3 if photometric in {_RGB, _YBR} else 1
    return Pixels(8, 8, samples, allocated, stored, stored - 1, is_signed, photometric)


def _is_taken(syntax: str, pixels: Pixels) -> bool:
    try:
        codec_for(syntax).check(pixels)
    except TranscodingError:
        return False
    return True


if __name__ == "__main__":
    rewrite(PAGE, page_with_table())
