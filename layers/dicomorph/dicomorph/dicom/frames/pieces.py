"""What is left of a frame, fragment by fragment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dicomorph.dicom.frames.codestreams import Cut
from dicomorph.dicom.frames.fragments import Fragment, Frame
from dicomorph.dicom.stream.edit_script import Part, parts_size
from dicomorph.dicom.stream.windows import Window

_END_AND_PADDING = b"\xff\xd9\0"  # EOI and EOC are alike


def make_even(window: Window, parts: list[Part]) -> None:
    """Drop the padding that was needed before, or add some."""
    last = parts[-1]
    end = window.read(max(last[0], last[1] - 3), last[1]) if isinstance(last, tuple) else b""
    if isinstance(last, tuple) and end == _END_AND_PADDING:
        parts[-1] = last[0], last[1] - 1
    else:
        parts.append(b"\0")


class Piece(NamedTuple):
    """A fragment, what takes the place of its value, and by how much that is shorter."""

    fragment: Fragment
    parts: list[Part]
    gone: int

    @property
    def is_changed(self) -> bool:
        """Whether anything is cut."""
        return self.parts != ([tuple(self.fragment)] if self.fragment.start < self.fragment.stop else [])


def pieces(frame: Frame, cuts: list[Cut]) -> Iterator[Piece]:
    """Divide what is left of a frame among its fragments."""
    at = 0
    for begin, fragment in frame.fragments():
        shift = fragment.start - begin
        pos, end = begin, begin + fragment.stop - fragment.start
        parts: list[Part] = []
        while at < len(cuts) and cuts[at].start < end:
            cut = cuts[at]
            if pos < cut.start:
                parts.append((pos + shift, cut.start + shift))
            replacement = cut.replacement[max(begin - cut.start, 0) : end - cut.start]
            if replacement:
                parts.append(replacement)
            pos = min(cut.stop, end)
            if cut.stop > end:
                break  # it goes on in the next fragment
            at += 1
        if pos < end:
            parts.append((pos + shift, end + shift))
        yield Piece(fragment, parts, fragment.stop - fragment.start - parts_size(parts))
