"""What the cleaners of compressed frames have in common: cuts, encoders' banners, what may trail.

A cleaner reads the headers of a codestream and answers with cuts; the samples between them stay
where they are. It never decodes anything.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from dicomorph.model.errors import BadFileFormatError

_BANNERS = Path(__file__).parent / "tables" / "encoder_banners.json"
_LONGEST_HEADER = 4096  # bytes; longer ones are not remembered
NOT_PADDING = re.compile(rb"[^\x00\xff]")
SHORT_REST = 3  # bytes; what rounds a frame up to whole words is not always zero


class Cut(NamedTuple):
    """A range of a codestream, and what takes its place: as many bytes, or fewer."""

    start: int
    stop: int
    replacement: bytes = b""


class Codestream(Protocol):
    """A compressed frame as a run of bytes, whatever its fragments are."""

    def read(self, start: int, count: int) -> bytes:
        """Return bytes from a position on; fewer where the frame ends."""

    def reaches(self, position: int) -> bool:
        """Tell whether the frame has at least so many bytes."""

    def find(self, pattern: re.Pattern[bytes], start: int, stop: int | None = None) -> int:
        r"""Return where a pattern of at most two bytes is found first, -1 if nowhere.

        Two bytes are looked for as ``\xff`` and another.
        """

    def size(self) -> int:
        """Return the length of the frame in bytes, all its fragments included."""

    def fragment_end(self, position: int) -> int:
        """Return where the fragment ends that the byte before a position lies in."""


class Cleaner(Protocol):
    """Finds what must leave frames of one kind; it may remember what frames have in common."""

    def cuts(self, frame: Codestream) -> list[Cut]:
        """Return what must leave a frame, in order.

        Raises
        ------
        BadFileFormatError
            If there may be comments that cannot be told from the image.
        """


class CleanHeader:
    """The header of the first frame that has nothing to cut in it: most frames of an object repeat it."""

    def __init__(self) -> None:
        self._header = b""

    def length_in(self, frame: Codestream) -> int:
        """Return how long the header is if a frame begins with it, else 0."""
        size = len(self._header)
        return size if size and frame.read(0, size) == self._header else 0

    def learn(self, frame: Codestream, stop: int) -> None:
        """Remember the header of a frame unless one is known, or it is long."""
        if not self._header and stop <= _LONGEST_HEADER:
            self._header = frame.read(0, stop)


def not_understood(what: str) -> BadFileFormatError:
    """Return the error for a frame that cannot be cleaned for certain."""
    return BadFileFormatError(f"7fe0,0010 cannot be anonymized: {what}")


def cut_out(cuts: list[Cut], start: int, stop: int) -> None:
    """Add a cut without replacement; neighbours become one, so that many cost no memory."""
    if cuts and cuts[-1].stop == start and not cuts[-1].replacement:
        start = cuts.pop().start
    cuts.append(Cut(start, stop))


def is_banner(comment: bytes) -> bool:
    """Tell whether a comment is, as a whole, what a known encoder writes about itself."""
    return _banners().fullmatch(comment) is not None


@cache
def _banners() -> re.Pattern[bytes]:
    """Return all banners as one pattern; some encoders count a final NUL."""
    patterns = json.loads(_BANNERS.read_text(encoding="ascii")).values()
    return re.compile(("(?:" + "|".join(patterns) + ")\0?").encode("ascii"))


def next_codestream(frame: Codestream, pos: int, signature: bytes, cuts: list[Cut]) -> int | None:
    r"""Return where a second codestream begins behind the end of one, if the same fragment holds it.

    Otherwise what trails in the fragment is cut, unless it is padding: up to three bytes of any
    kind, or any number of ``\x00`` and ``\xff``.

    Parameters
    ----------
    pos : int
        Where the first one ends.
    signature : bytes
        What codestreams begin with: ``\xff``, and a byte that is no padding.

    Raises
    ------
    BadFileFormatError
        If fragments follow that are neither padding nor another codestream.
    """
    stop = frame.fragment_end(pos)
    other = frame.find(NOT_PADDING, pos, stop) if stop - pos > 1 else -1
    if other > pos and frame.read(other - 1, len(signature)) == signature:
        return other - 1
    if other >= 0 and stop - pos > SHORT_REST:
        cut_out(cuts, pos, stop)
    if frame.find(NOT_PADDING, stop) >= 0:
        raise not_understood("fragments follow the end of a frame")
    return None
