"""How the output of an edit script is cut into the parts of a multipart upload.

What stays of the original is copied within S3, a part at a time; the rest is sent. S3 wants at most
10,000 parts of 5 MiB to 5 GiB, of which the last may be smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from dicomorph.dicom.stream.edit_script import EditScript, parts_size
from dicomorph.dicom.stream.masked_range import MaskedRange
from dicomorph.model.errors import InternalError

LEAST_PART = 5 << 20
MOST_PARTS = 10_000
COPIED_PART = 64 << 20
"""Bytes that one request copies: S3 takes about a second for it, and several go side by side."""


class PlannedPart(NamedTuple):
    """A part of an upload.

    Parameters
    ----------
    start, stop : int
        Which bytes of the output it holds.
    origin : int or None
        Where they begin in the original, if they are copied from it; None if they are sent.
    """

    start: int
    stop: int
    origin: int | None = None


def planned_parts(script: EditScript, *, copies: bool = True) -> list[PlannedPart]:
    """Return the parts that a script's output is uploaded in.

    What is sent before a range is filled up from it to the least size of a part, so that the rest of
    the range can be copied: a short header takes exactly 5 MiB through this process. Ranges that
    would be too short for a part of their own are sent with what is around them.

    Parameters
    ----------
    copies : bool
        Whether S3 can reach the original.
    """
    least = max(LEAST_PART, -(-script.size // (MOST_PARTS - 1)))
    parts: list[PlannedPart] = []
    waiting = at = 0  # what is to be sent begins there
    for part in script.parts:
        end = at + parts_size((part,))
        if copies and isinstance(part, tuple):
            start = at if waiting == at else min(end, max(at, waiting + least))
            if end - start >= least:
                parts += _sent(waiting, start, least)
                parts += _copied(start, end, part[0] + start - at, least)
                waiting = end
        at = end
    return [*parts, *_sent(waiting, at, least)]


def check_ranges(script: EditScript, size: int) -> None:
    """Raise `InternalError` if a script names bytes behind the end of an original of a size."""
    for part in script.parts:
        stop = part[1] if isinstance(part, tuple) else part.stop if isinstance(part, MaskedRange) else 0
        if stop > size:
            raise InternalError("A range reaches behind the end of its object")


def _sent(start: int, stop: int, least: int) -> Iterator[PlannedPart]:
    """Yield parts of less than twice the least size."""
    for begin, end in _divided(start, stop, max(1, (stop - start) // least)):
        yield PlannedPart(begin, end)


def _copied(start: int, stop: int, origin: int, least: int) -> Iterator[PlannedPart]:
    most = max(COPIED_PART, 2 * least)  # so that a half is no less than the least size
    for begin, end in _divided(start, stop, -(-(stop - start) // most)):
        yield PlannedPart(begin, end, origin + begin - start)


def _divided(start: int, stop: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield a range in pieces of one size, more or less; nothing of an empty one."""
    if start < stop:
        yield from pairwise(start + (stop - start) * number // count for number in range(count + 1))
