"""How the output of any edit script is cut into parts: within the limits of S3, and byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomorph.aws.objects.part_plan import COPIED_PART, LEAST_PART, MOST_PARTS, PlannedPart, planned_parts
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, ScriptPart
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.masked_range import BitMask, MaskedRange
from dicomorph.dicom.stream.source import Buffer, MemoryScratch

MIB = 1 << 20
LARGEST_PART = 5 << 30
_SIZES = st.one_of(
    st.integers(1, 2000),
    st.integers(1, 12 * MIB),
    st.sampled_from([LEAST_PART - 1, LEAST_PART, LEAST_PART + 1, COPIED_PART, COPIED_PART + 1, 506 * MIB]),
    st.integers(1, 5 << 40),
)


class Numbers:
    """A source of any size of which every byte follows from its position; nothing is in memory."""

    scratch = MemoryScratch()
    fragments = None

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self._seed = seed

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        return self.read(start, start + length), start

    def read(self, start: int, stop: int) -> bytes:
        return bytes(
            (at * 131 + (at >> 8) * 7 + self._seed) & 0xFF for at in range(start, min(stop, self.size))
        )

    def close(self) -> None:
        """Nothing is held."""


@st.composite
def scripts(draw: st.DrawFn) -> EditScript:
    """Return a script of any parts; new bytes are short, or lie elsewhere."""
    parts: list[ScriptPart] = []
    for size in draw(st.lists(_SIZES, max_size=12)):
        start = draw(st.integers(0, 1 << 40))
        kind = draw(st.sampled_from(["range", "range", "bytes", "masked", "kept"]))
        if kind == "bytes":
            parts.append(Numbers(size, 3).read(0, min(size, 500)))
        elif kind == "range":
            parts.append((start, start + size))
        elif kind == "masked":
            parts.append(MaskedRange(start, start + size, BitMask(2, "little", 0x0FFF)))
        else:
            parts.append(KeptPart(Numbers(size, 5)))
    return EditScript.of(parts)


def checked(script: EditScript, *, copies: bool = True) -> Sequence[PlannedPart]:
    """Return a plan that keeps to the limits of S3 and holds every byte once."""
    plan = planned_parts(script, copies=copies)
    assert [part.start for part in plan] == [0, *(part.stop for part in plan)][: len(plan)]
    assert (plan[-1].stop if plan else 0) == script.size
    assert len(plan) <= MOST_PARTS
    sizes = [part.stop - part.start for part in plan]
    assert all(size >= LEAST_PART for size in sizes[:-1])
    assert all(0 < size <= LARGEST_PART for size in sizes)
    return plan


@settings(max_examples=40)
@given(scripts())
def test_parts_keep_to_the_limits_and_hold_what_the_script_makes(script: EditScript) -> None:
    copied = [part for part in checked(script) if part.origin is not None]
    output, original = EditedSource(Numbers(1 << 62), script), Numbers(1 << 62)
    for start, stop, origin in copied[:4] + copied[-4:]:
        assert origin is not None
        for low in (0, (stop - start) // 2, stop - start - 20):
            assert output.read(start + low, start + low + 20) == original.read(
                origin + low, origin + low + 20
            )


@settings(max_examples=40)
@given(scripts())
def test_what_is_not_copied_from_the_original_is_sent(script: EditScript) -> None:
    assert all(part.origin is None for part in checked(script, copies=False))
    ranges = []
    at = 0
    for part in script.parts:
        end = at + EditScript.of([part]).size
        if isinstance(part, tuple):
            ranges.append((at, end))
        at = end
    for start, stop, origin in checked(script):
        assert origin is None or any(low <= start < stop <= high for low, high in ranges)


@settings(max_examples=40)
@given(scripts())
def test_of_a_range_little_is_sent(script: EditScript) -> None:
    """Less than what fills two parts up, and no more where it is longer."""
    plan = checked(script)
    least = max(LEAST_PART, -(-script.size // (MOST_PARTS - 1)))
    sent = sum(stop - start for start, stop, origin in plan if origin is None)
    new = sum(EditScript.of([part]).size for part in script.parts if not isinstance(part, tuple))
    ranges = sum(isinstance(part, tuple) for part in script.parts)
    assert sent <= new + ranges * 2 * least


def shapes(plan: Sequence[PlannedPart]) -> list[tuple[str, float]]:
    return [
        ("sent" if origin is None else "copied", round((stop - start) / MIB, 1))
        for start, stop, origin in plan
    ]


TABLE: dict[str, tuple[list[ScriptPart], list[tuple[str, float]]]] = {
    "16 MB": ([b"h" * 4000, (4100, 16 * MIB)], [("sent", 5.0), ("copied", 11.0)]),
    "52 MB": ([b"h" * 4000, (4100, 52 * MIB)], [("sent", 5.0), ("copied", 47.0)]),
    "200 MB": ([b"h" * 4000, (4100, 200 * MIB)], [("sent", 5.0), *[("copied", 48.7)] * 4]),
    "506 MB": ([b"h" * 4000, (4100, 506 * MIB)], [("sent", 5.0), *[("copied", 62.6)] * 8]),
    "a new tail": (
        [b"h" * 4000, (4100, 52 * MIB), b"tail"],
        [("sent", 5.0), ("copied", 47.0), ("sent", 0.0)],
    ),
    "a long header": (
        [b"h" * (23 * MIB), (4100, 52 * MIB)],
        [*[("sent", 5.8)] * 3, ("sent", 5.8), ("copied", 52.0)],
    ),
    "new bytes amid": (
        [(0, 50 * MIB), b"new", (60 * MIB, 100 * MIB)],
        [("copied", 50.0), ("sent", 5.0), ("copied", 35.0)],
    ),
    "a cut every megabyte": (
        [(n * MIB, (n + 1) * MIB - 20) for n in range(16)],
        [("sent", 5.3)] * 3,
    ),
    "what is too short to be copied": ([b"h" * MIB, (0, 9 * MIB - 1)], [("sent", 10.0)]),
    "pixels that are masked": (
        [b"h", MaskedRange(0, 20 * MIB, BitMask(2, "little", 0x0FFF)), (20 * MIB, 50 * MIB)],
        [("sent", 5.0)] * 4 + [("copied", 30.0)],
    ),
}


@pytest.mark.parametrize(("parts", "expected"), TABLE.values(), ids=TABLE)
def test_usual_plans(parts: list[ScriptPart], expected: list[tuple[str, float]]) -> None:
    plan = checked(EditScript.of(parts))
    assert shapes(plan) == expected
    if expected[0] == ("sent", 5.0):
        assert plan[0].stop == LEAST_PART


@pytest.mark.parametrize("size", [50 << 30, 5 << 40])
def test_very_large_objects_have_larger_parts(size: int) -> None:
    plan = checked(EditScript.of([b"header", (100, size)]))
    copied = [part for part in plan if part.origin is not None]
    assert all(one.stop == other.start for one, other in pairwise(plan))
    assert max(part.stop - part.start for part in copied) >= COPIED_PART // 2
