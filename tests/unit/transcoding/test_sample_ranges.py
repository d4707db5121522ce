"""What stands above the high bit is zero or the sign; anything else is refused, not lost."""

from dataclasses import replace

import numpy as np
import pytest

from dicomorph.model.errors import TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.pixels import LARGEST_FRAME, Pixels
from dicomorph.transcoding.samples import declared_samples
from tests.support.coded_frames import U, codec_for, frame_of

GREY = Pixels(4, 6, 1, 16, 12, 11)
SIGNED = replace(GREY, is_signed=True)
BY_VALUE = [syntax for syntax in SYNTAXES if syntax != U + "5"]
each_syntax = pytest.mark.parametrize("syntax", BY_VALUE, ids=[syntax.removeprefix(U) for syntax in BY_VALUE])


def test_signed_samples_without_their_sign_above_it_get_it() -> None:
    negative = np.full(SIGNED.shape, -5, np.int16)
    mixed = negative.copy()
    mixed[0] = -5 & 0xFFF
    mixed[1] = 7
    expected = np.where(np.arange(4)[:, None] == 1, 7, negative)
    assert np.array_equal(declared_samples(mixed, SIGNED), expected)
    assert np.array_equal(declared_samples(negative & 0xFFF, SIGNED), negative)
    assert declared_samples(negative, SIGNED) is negative


@each_syntax
@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("bit", [12, 14])
def test_an_overlay_above_the_high_bit_is_refused(syntax: str, bit: int, *, is_signed: bool) -> None:
    codec, pixels = codec_for(syntax), SIGNED if is_signed else GREY
    frame = frame_of(pixels)
    frame[2, 3] = 1 << bit
    try:
        codec.check(pixels)
    except TranscodingError:
        return
    with pytest.raises(TranscodingError, match="above the high bit"):
        codec.encode(frame, pixels, 90)


def test_run_lengths_keep_an_overlay() -> None:
    codec, frame = codec_for(U + "5"), frame_of(GREY)
    frame[1:3] |= 0x8000
    for pixels in (GREY, replace(GREY, high_bit=15)):
        codec.check(pixels)
        assert np.array_equal(codec.decode(codec.encode(frame, pixels, 1), pixels), frame)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"bits_allocated": 1, "bits_stored": 1, "high_bit": 0}, "BitsAllocated"),
        ({"bits_allocated": 64, "bits_stored": 64, "high_bit": 63}, "BitsAllocated"),
        ({"bits_stored": 17}, "Bits"),
        ({"samples_per_pixel": 3}, "SamplesPerPixel"),
        ({"samples_per_pixel": 4, "photometric_interpretation": "CMYK"}, "PhotometricInterpretation"),
        ({"photometric_interpretation": "RGB"}, "SamplesPerPixel"),
        (
            {"photometric_interpretation": "YBR_PARTIAL_420", "samples_per_pixel": 3},
            "PhotometricInterpretation",
        ),
        ({"rows": 0}, "empty"),
        ({"rows": 65535, "columns": 65535}, "larger than 128 MB"),
    ],
)
def test_what_no_codec_takes_is_refused_with_the_attribute(
    syntax: str, change: dict[str, int], attribute: str
) -> None:
    with pytest.raises(TranscodingError, match=attribute) as refused:
        codec_for(syntax).check(replace(GREY, **change))  # type: ignore[arg-type]
    assert (refused.value.code, str(refused.value)) == (2, refused.value.details)


@each_syntax
def test_a_high_bit_elsewhere_and_signed_colours_are_refused(syntax: str) -> None:
    for pixels in (
        Pixels(4, 6, 1, 16, 12, 15),
        Pixels(4, 6, 3, is_signed=True, photometric_interpretation="RGB"),
        Pixels(4, 6, is_signed=True, photometric_interpretation="PALETTE COLOR"),
    ):
        with pytest.raises(TranscodingError):
            codec_for(syntax).check(pixels)


def test_lossy_syntaxes_take_no_palette() -> None:
    for syntax in SYNTAXES:
        codec, pixels = codec_for(syntax), Pixels(4, 6, photometric_interpretation="PALETTE COLOR")
        if codec.is_lossy:
            with pytest.raises(TranscodingError, match="PhotometricInterpretation"):
                codec.check(pixels)
        else:
            codec.check(pixels)


def test_the_largest_frame_is_what_a_function_has_memory_for() -> None:
    assert Pixels(1 << 13, 1 << 14).frame_size == LARGEST_FRAME
    codec_for(U + "5").check(Pixels(1 << 13, 1 << 14))
