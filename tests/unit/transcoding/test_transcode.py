"""Files in another transfer syntax: what is decoded, what is only encoded anew, what is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError, TranscodingError
from dicomorph.transcoding.codecs.registry import SYNTAXES
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, Fragments, encode, part10
from tests.support.codestreams import encapsulated, even
from tests.support.images import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, Image, image_file
from tests.support.run_lengths import rle
from tests.support.transcoded import RLE, pixels_by_pydicom, read, script_of, transcoded

NATIVES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
IMAGE = Image(5, 4, bits=16, frames=2)
NATIVE = image_file(IMAGE, IMAGE.pixels())


@pytest.mark.parametrize("syntax", [EXPLICIT, RLE])
def test_a_file_that_has_the_transfer_syntax_is_copied(syntax: str) -> None:
    data = NATIVE if syntax == EXPLICIT else image_file(IMAGE, b"any", vr="OB", syntax=RLE)
    script = script_of(data, syntax)
    assert script.parts == [(0, len(data))]


@pytest.mark.parametrize("before", NATIVES)
@pytest.mark.parametrize("after", NATIVES)
def test_native_pixels_are_not_decoded(before: str, after: str) -> None:
    nonsense = [each for each in IMAGE.elements() if each.tag != 0x00280100]
    data = part10(encode([*nonsense, Element(0x7FE00010, "OW", (1, 2, 515))], before), before)
    found = read(transcoded(data, after))
    assert np.frombuffer(found.PixelData, ">u2" if after == BIG else "<u2").tolist() == [1, 2, 515]
    assert found.file_meta.TransferSyntaxUID == after


@pytest.mark.parametrize("before", NATIVES)
@pytest.mark.parametrize("after", NATIVES)
def test_pixels_survive_a_codec_between_native_transfer_syntaxes(before: str, after: str) -> None:
    data = image_file(IMAGE, np.arange(40, dtype=">u2" if before == BIG else "<u2").tobytes(), syntax=before)
    there = transcoded(data, RLE)
    back = transcoded(there, after)
    assert read(back).file_meta.TransferSyntaxUID == after
    for found in (data, there, back):
        assert pixels_by_pydicom(found).ravel().tolist() == list(range(40))


@pytest.mark.parametrize("syntax", [*sorted(NATIVE_TRANSFER_SYNTAXES), *SYNTAXES])
@pytest.mark.parametrize("before", [EXPLICIT, IMPLICIT, BIG, RLE])
def test_a_file_without_pixels_is_encoded_anew(before: str, syntax: str) -> None:
    elements = [Element(0x00080018, "UI", "1.2.3"), Element(0x00280010, "US", 515)]
    found = read(transcoded(part10(encode(elements, before), before), syntax, uid="1.9"))
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert found.Rows == 515
    assert len(found) == 2


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, RLE])
@pytest.mark.parametrize("before", [EXPLICIT, RLE])
def test_empty_pixel_data_stay_empty(before: str, syntax: str) -> None:
    value = Fragments() if before == RLE else b""
    pixels = Element(0x7FE00010, "OB", value, undefined=before == RLE)
    found = read(transcoded(part10(encode([*IMAGE.elements(), pixels], before), before), syntax))
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found["PixelData"].is_undefined_length is (before == syntax == RLE)
    assert len(found.PixelData or b"") == (8 if before == syntax == RLE else 0)


@pytest.mark.parametrize("tag", [FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA])
def test_floating_point_pixels_have_native_transfer_syntaxes_only(tag: int) -> None:
    numbers = struct.pack("<2d", 1.5, -2.5)
    data = image_file(IMAGE, numbers, tag=tag, vr="OF" if tag == FLOAT_PIXEL_DATA else "OD")
    big = read(transcoded(data, BIG))[tag].value
    word = 4 if tag == FLOAT_PIXEL_DATA else 8
    assert b"".join(big[at : at + word][::-1] for at in range(0, 16, word)) == numbers
    with pytest.raises(TranscodingError):
        transcoded(data, RLE)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.94", "1.2.3", "", "x"])
def test_other_transfer_syntaxes_are_refused(syntax: str) -> None:
    with pytest.raises(TranscodingError):
        transcoded(NATIVE, syntax)


def test_pixels_in_an_unknown_transfer_syntax_are_refused() -> None:
    data = image_file(
        IMAGE, encapsulated([b"what"]), vr="OB", syntax="1.2.840.10008.1.2.4.100", undefined=True
    )
    for syntax in (EXPLICIT, RLE):
        with pytest.raises(TranscodingError):
            transcoded(data, syntax)


def test_pixels_that_are_not_as_their_transfer_syntax_says_are_refused() -> None:
    frame = even(rle(*[bytes(20)] * 2))
    bare = image_file(IMAGE, frame, vr="OB", syntax=RLE)
    odd = image_file(IMAGE, encapsulated([frame] * 2), vr="OB", undefined=True)
    for data, syntax in ((bare, EXPLICIT), (odd, RLE), (odd, IMPLICIT)):
        with pytest.raises(TranscodingError):
            transcoded(data, syntax)


@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"])
def test_the_cores_that_share_a_frame_give_the_same_bytes(
    syntax: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image(300, 200, bits=16)
    data = image_file(image, np.random.default_rng(1).bytes(image.size))
    module = "dicomorph.transcoding.codecs.jpeg_2000.cores"
    monkeypatch.setattr(module, lambda: 1)
    alone = transcoded(data, syntax)
    decoded = transcoded(alone, BIG)
    monkeypatch.setattr(module, lambda: threads)
    assert transcoded(data, syntax) == alone
    assert transcoded(alone, BIG) == decoded


OVERLAY = [Element(0x60000010, "US", 5), Element(0x60000102, "US", 15)]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_overlays_in_bits_of_the_pixels_are_refused(syntax: str) -> None:
    image = Image(5, 4, bits=16, stored=12)
    for pixels in (image.pixels(), bytes(40)):  # whatever is in them
        with pytest.raises(TranscodingError, match=r"[Oo]verlays"):
            transcoded(image_file(image, pixels, *OVERLAY), syntax)


@pytest.mark.parametrize("syntax", [IMPLICIT, BIG, DEFLATED])
def test_overlays_in_bits_of_native_pixels_stay(syntax: str) -> None:
    image = Image(5, 4, bits=16, stored=12)
    pixels = np.arange(40000, 40020, dtype="<u2")
    found = read(transcoded(image_file(image, pixels.tobytes(), *OVERLAY), syntax))
    assert np.frombuffer(found.PixelData, ">u2" if syntax == BIG else "<u2").tolist() == pixels.tolist()
    assert found[0x60000102].value == 15


def test_overlays_with_data_of_their_own_are_in_nobodys_way() -> None:
    image = Image(5, 4, bits=16, stored=12)
    own = [*OVERLAY, Element(0x60003000, "OW", bytes(4))]
    assert read(transcoded(image_file(image, bytes(40), *own), RLE))[0x60003000].value == bytes(4)


def test_elements_out_of_order_are_put_in_order() -> None:
    elements = [*IMAGE.elements(), Element(0x7FE00010, "OW", IMAGE.pixels())]
    data = part10(encode([*elements[3:-1], *elements[:3], elements[-1]]))
    there = transcoded(data, RLE)
    assert np.array_equal(pixels_by_pydicom(there), pixels_by_pydicom(NATIVE))
    assert [each.tag for each in read(there)] == sorted(each.tag for each in elements)


def test_a_file_without_meta_information_is_transcoded() -> None:
    data = NATIVE[NATIVE.index(b"\x08\0\x18\0UI") :]
    assert np.array_equal(pixels_by_pydicom(transcoded(data, RLE)), pixels_by_pydicom(NATIVE))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_same_file_gives_the_same_bytes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(64, 64, bits=16, frames=40)
    data = image_file(image, np.random.default_rng(1).bytes(image.size))
    expected = transcoded(data, RLE)
    for module in ("frames", "in_order"):
        monkeypatch.setattr(f"dicomorph.transcoding.{module}.cores", lambda: threads)
    assert transcoded(data, RLE) == expected
    assert transcoded(expected, BIG) == transcoded(data, BIG)


@pytest.mark.parametrize("rest", [1, 7, 8, 9, 40, 160])
def test_pixels_that_are_cut_off_are_refused(rest: int) -> None:
    value = encapsulated([even(rle(*[bytes(20)] * 2))] * 2)
    data = image_file(IMAGE, value, vr="OB", syntax=RLE, undefined=True)
    for file, syntax in ((data, EXPLICIT), (NATIVE, RLE)):
        with pytest.raises(BadFileFormatError):
            transcoded(file[: -min(rest, 79)], syntax)


def test_nothing_of_the_source_is_read_that_stays() -> None:
    """Ranges of the source remain ranges, beside the pixels."""
    long = Element(0x00091001, "OB", bytes(1 << 17))
    data = image_file(IMAGE, IMAGE.pixels(), long)
    script = script_of(data, RLE)
    assert any(isinstance(part, tuple) and part[1] - part[0] >= 1 << 17 for part in script.parts)
    assert script.size == len(script.join(BufferSource(data)))
