"""What leaves run-length encoded frames when anonymizing: all that belongs to no segment."""

from __future__ import annotations

import random
import struct

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import EXPLICIT, JPEG
from tests.support.codestreams import BUNDLED, CLEAN, DIRTY, SECRET, encapsulated, even, fragments_of, starts
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.images import Image, image_file
from tests.support.run_lengths import SYNTAX, rle, runs

IMAGE = Image(20, 30, bits=16)
PLANES = [bytes(n // 9 * 7 % 251 if plane else n * n % 253 for n in range(600)) for plane in range(2)]
GOOD = rle(*PLANES)
REAL = ["MR_small_RLE.dcm", "rtdose_rle_1frame.dcm"]


def file_of_frames(
    frames: list[bytes], image: Image = IMAGE, syntax: str = SYNTAX, *, table: bool = False
) -> bytes:
    value = encapsulated(frames, starts(frames) if table else None)
    return image_file(image, value, vr="OB", syntax=syntax, undefined=True)


def frame_after(frame: bytes, image: Image = IMAGE, syntax: str = SYNTAX) -> bytes:
    data = file_of_frames([frame], image, syntax)
    assert fragments_of(modified(data)) == fragments_of(data)
    [found] = fragments_of(anonymized(data))[1]
    return found


@pytest.mark.parametrize("name", REAL)
def test_real_frames_stay_as_they_are(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    assert fragments_of(anonymized(data)) == fragments_of(data)


@pytest.mark.parametrize("syntax", [SYNTAX, JPEG, EXPLICIT, "1.2.840.10008.1.2.4.90", "1.2.3.4"])
@pytest.mark.parametrize(
    "dirty",
    [
        rle(*PLANES, gap=SECRET),
        rle(*PLANES, tail=SECRET),
        rle(*PLANES, gap=SECRET, tail=SECRET * 9),
        rle(*PLANES, unused=SECRET),
        rle(*PLANES, unused=bytes(44) + SECRET[:8]),
        rle(*PLANES, gap=runs(SECRET) + b"\0", unused=SECRET, tail=runs(SECRET * 5)),  # as if it were samples
    ],
)
def test_what_belongs_to_no_segment_leaves_whatever_the_syntax(dirty: bytes, syntax: str) -> None:
    assert SECRET[:8] in dirty
    assert frame_after(even(dirty), syntax=syntax) == GOOD


def test_what_lies_before_the_first_segment_leaves() -> None:
    assert frame_after(rle(*PLANES, first=SECRET)) == GOOD


@pytest.mark.parametrize("padding", [b"\0", bytes(2), bytes(30), b"\xff" * 6, b"\0\xff\0\xff"])
def test_padding_stays(padding: bytes) -> None:
    frame = even(rle(*PLANES, gap=even(padding), tail=padding))
    assert frame_after(frame) == frame


@pytest.mark.parametrize(
    "image",
    [
        Image(1, 1, bits=8),
        Image(7, 3, bits=8),
        Image(128, 3, bits=8, samples=3),
        Image(5, 5, bits=32),
        Image(9, 9, bits=1),
        Image(33, 4, bits=16, samples=3),
    ],
)
def test_every_kind_of_image_has_its_segments(image: Image) -> None:
    rng = random.Random(1)  # noqa: S311 - reproducible, no secret
    length = -(-image.rows * image.columns // 8) if image.bits == 1 else image.rows * image.columns
    planes = [rng.randbytes(length) for _ in range(image.samples * -(-image.bits // 8))]
    assert frame_after(even(rle(*planes, tail=SECRET, gap=SECRET)), image) == rle(*planes)
    with pytest.raises(BadFileFormatError, match="segments that the image needs"):
        frame_after(even(rle(*planes, planes[0])), image)


def test_runs_of_every_length_are_stepped_over() -> None:
    plane = b"".join(bytes((n % 251,)) * n for n in range(1, 200)) + random.Random(2).randbytes(1000)  # noqa: S311
    plane += bytes(30_000 - len(plane))
    image = Image(100, 300, bits=8)
    idle = GOOD[:64] + b"\x80" * 4 + runs(plane) + b"\x80"  # PS3.5 G.3.1: 128 stands for nothing
    idle = struct.pack("<II", 1, 64).ljust(64, b"\0") + idle[64:]
    assert frame_after(even(idle), image) == even(idle)
    assert frame_after(even(rle(plane, tail=SECRET)), image) == rle(plane)


@pytest.mark.parametrize(
    "broken",
    [
        struct.pack("<III", 2, 64, 70).ljust(60, b"\0"),
        struct.pack("<III", 2, 90, 64).ljust(64, b"\0") + SECRET * 5,
        struct.pack("<III", 2, 64, 9000).ljust(64, b"\0") + SECRET * 5,
        rle(PLANES[0] + SECRET, PLANES[1]),
        rle(*PLANES) + bytes((120,)) + bytes(121) + SECRET,
    ],
)
def test_what_does_not_add_up_is_refused_or_leaves(broken: bytes) -> None:
    data = file_of_frames([even(broken)])
    try:
        assert SECRET not in anonymized(data)
    except BadFileFormatError as error:
        assert "7fe0,0010" in error.details  # noqa: PT017 - or it leaves


def test_a_literal_run_beyond_the_last_sample_is_refused() -> None:
    plane = PLANES[0][:590]
    last = bytes((23,)) + PLANES[0][590:] + SECRET  # ten samples, and no more
    frame = rle(plane, PLANES[1])
    segment = runs(plane) + last
    offset = 64 + len(segment) + len(segment) % 2
    frame = struct.pack("<III", 2, 64, offset).ljust(64, b"\0") + even(segment) + even(runs(PLANES[1]))
    with pytest.raises(BadFileFormatError, match="longer than the image"):
        anonymized(file_of_frames([frame]))


@pytest.mark.parametrize("table", [False, True])
def test_frames_move_up_with_their_offsets(table: bool) -> None:  # noqa: FBT001
    dirty = [even(rle(*PLANES, tail=SECRET)), GOOD, rle(*PLANES, gap=SECRET), GOOD]
    output = anonymized(file_of_frames(dirty, Image(20, 30, frames=4), table=table))
    assert fragments_of(output) == (starts([GOOD] * 4) if table else [], [GOOD] * 4)


@pytest.mark.parametrize("syntax", [SYNTAX, "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.8.1"])
def test_a_frame_of_another_kind_is_cleaned_as_that(syntax: str) -> None:
    assert frame_after(even(DIRTY), syntax=syntax) == even(CLEAN)
    data = file_of_frames([even(DIRTY), SECRET], syntax=syntax)
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(data)


@pytest.mark.parametrize(
    "frame", [SECRET, b"\1\2\0\0" + SECRET, b"\x20\0\0\0" + SECRET, b"\0\0" + even(DIRTY)]
)
def test_a_frame_that_is_not_run_length_encoded_is_refused(frame: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="7fe0,0010"):
        anonymized(file_of_frames([frame]))


def test_a_frame_may_lie_in_several_fragments() -> None:
    dirty = even(rle(*PLANES, gap=SECRET, tail=SECRET))
    data = file_of_frames([dirty[:200], dirty[200:501] + b"", dirty[501:]])
    assert b"".join(fragments_of(anonymized(data))[1]).rstrip(b"\0") == GOOD.rstrip(b"\0")


def test_memory_stays_bounded_whatever_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.dicom.frames.rle._PIECE", 1 << 10)
    plane = bytes(n % 7 * (n % 11) for n in range(1 << 18))
    image = Image(512, 512, bits=8)
    data = file_of_frames([even(rle(plane, tail=SECRET * 100_000))], image)
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.largest <= 1 << 20
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 8192
    assert SECRET not in script.join(source)
