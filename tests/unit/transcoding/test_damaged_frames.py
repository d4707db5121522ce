"""Whatever bytes a frame has, decoding it ends: with pixels, or with the one error that is meant for it."""

import random
import subprocess
import sys

import pytest

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import Pixels
from tests.support.coded_frames import U, codec_for, frame_of

KINDS = (
    Pixels(24, 33),
    Pixels(17, 26, 3, photometric_interpretation="RGB"),
    Pixels(32, 32, 1, 16, 12, 11),
)
EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\xff\xff", b"\x7f\xff")
each_syntax = pytest.mark.parametrize("syntax", SYNTAXES, ids=[syntax.removeprefix(U) for syntax in SYNTAXES])


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return other bytes: mostly in the header some changed, lost, repeated or set to an extreme."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        end = len(found) if chance.random() < 0.25 else min(len(found), chance.choice((60, 120, 250)))
        position = chance.randrange(2, end)
        length = chance.randint(1, 8)
        match chance.randrange(6):
            case 0:
                found[position] = chance.randrange(256)
            case 1:
                found[position] ^= 1 << chance.randrange(8)
            case 2:
                del found[position : position + length]
            case 3:
                found[position:position] = chance.randbytes(length)
            case 4:
                other = chance.randrange(2, len(found))
                found[position : position + length] = found[other : other + length]
            case _:
                found[position : position + 4] = chance.choice(
                    (b"\0" * 4, b"\xff" * 4, b"\0\0\xff\xff", b"\x7f\xff")
                )
        if len(found) < 8:
            break
    return bytes(found)


def decode_damaged(syntax: str, count: int, seed: int) -> None:
    """Decode damaged frames, each as an array of what was asked for, or not at all."""
    codec = codec_for(syntax)
    for pixels in KINDS:
        try:
            data = codec.encode(frame_of(pixels), pixels, 80)
            codec.check(pixels)
        except TranscodingError:
            continue
        for number in range(count):
            chance = random.Random(f"{syntax} {pixels} {seed} {number}")  # noqa: S311 - reproducible, no secret
            try:
                frame = codec.decode(damaged(data, chance), pixels)
            except TranscodingError:
                continue
            assert (frame.shape, frame.dtype) == (pixels.shape, pixels.dtype)


@each_syntax
def test_damaged_frames_end_in_pixels_or_in_an_error(syntax: str) -> None:
    decode_damaged(syntax, 25, 1)


@pytest.mark.slow
@each_syntax
def test_no_damaged_frame_ends_the_process(syntax: str) -> None:
    subprocess.run([sys.executable, __file__, syntax], check=True, timeout=110)


if __name__ == "__main__":
    decode_damaged(sys.argv[1], 1500, 2)
