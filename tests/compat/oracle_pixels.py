"""Native pixel data as the oracle cuts them: pixel by pixel of what the attributes say, no more."""

from __future__ import annotations

from math import ceil

from tests.compat.data_sets import Tree

ROWS, COLUMNS, SAMPLES, BITS, FRAMES, PHOTOMETRIC = (
    *(0x00280010, 0x00280011, 0x00280002),
    *(0x00280100, 0x00280008, 0x00280004),
)


def pixels_that_stay(value: bytes, tree: Tree, *, little: bool) -> bytes:
    """Return native pixel data without what is behind the last pixel; ValueError if there is a frame more."""
    if not all(tag in tree for tag in (ROWS, COLUMNS, BITS)):
        return value
    rows, columns, bits = (_number(tree, tag, little=little) for tag in (ROWS, COLUMNS, BITS))
    colours = _text(tree, PHOTOMETRIC)
    samples = _number(tree, SAMPLES, little=little) if SAMPLES in tree else 1
    if samples == 3 and colours in {"YBR_FULL_422", "YBR_PARTIAL_422"}:
        if len(value) == rows * columns * samples * bits // 8 * _frames(tree):
            return value
        samples = 2
    frame = rows * columns * samples * bits / 8
    length = ceil(frame * _frames(tree))
    length += length % 2
    if len(value) - length >= frame:
        raise ValueError
    return value[:length]


def _frames(tree: Tree) -> int:
    text = _text(tree, FRAMES)
    return int(text) if text.isdecimal() and int(text) else 1


def _text(tree: Tree, tag: int) -> str:
    return tree[tag].value.decode("ascii").strip(" \0") if tag in tree else ""


def _number(tree: Tree, tag: int, *, little: bool) -> int:
    return int.from_bytes(tree[tag].value[:2], "little" if little else "big")
