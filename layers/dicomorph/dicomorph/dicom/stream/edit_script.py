"""An edited file as a list of new bytes and of ranges of the original."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.masked_range import MaskedRange
from dicomorph.dicom.stream.source import Buffer, Scratch, Source
from dicomorph.model.remarks import Remark

Part: TypeAlias = bytes | tuple[int, int]
ScriptPart: TypeAlias = Part | MaskedRange | KeptPart
"""What a script consists of: beside new bytes and ranges, ranges that are masked as they are copied,
and new bytes that lie elsewhere."""

_CHUNK = 1 << 20


def parts_size(parts: Sequence[ScriptPart]) -> int:
    """Return how many bytes the parts make."""
    size = 0
    for part in parts:
        if type(part) is bytes:  # quicker than `isinstance`, for there are thousands
            size += len(part)
        elif type(part) is tuple:
            size += part[1] - part[0]
        else:
            size += _size(part)
    return size


def _size(part: ScriptPart) -> int:
    if isinstance(part, bytes):
        return len(part)
    return part[1] - part[0] if isinstance(part, tuple) else part.stop - part.start


@dataclass(frozen=True, slots=True)
class EditScript:
    """What a rewrite decided, without having copied anything.

    Parameters
    ----------
    parts : Sequence[bytes | tuple[int, int] | MaskedRange | KeptPart]
        In the order of the output: bytes to emit, or ``(start, stop)`` of the original.
    size : int
        Length of the output in bytes.
    remarks : frozenset[Remark]
        What is to be said of the output.
    flags : frozenset[str]
        Why its pixels may show who the patient is (`model.reasons.Reason`).
    fragments : tuple[int, int], optional
        Where the value of encapsulated pixel data begins and ends in the output, if that is known.
    """

    parts: Sequence[ScriptPart]
    size: int
    remarks: frozenset[Remark] = frozenset()
    fragments: tuple[int, int] | None = field(default=None, compare=False)
    flags: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        parts: Sequence[ScriptPart],
        *,
        remarks: frozenset[Remark] = frozenset(),
        flags: frozenset[str] = frozenset(),
    ) -> EditScript:
        """Return the script of these parts, with its size."""
        return cls(parts, parts_size(parts), remarks, flags=flags)

    def chunks(self, source: Source) -> Iterator[bytes]:
        """Yield the output in pieces of at most 1 MiB of the original, or one part of new bytes."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
                continue
            if not isinstance(part, tuple):
                yield from part.chunks(source.read)
                continue
            start, stop = part
            while start < stop:
                yield source.read(start, min(stop, start + _CHUNK))
                start += _CHUNK

    def join(self, source: Source) -> bytes:
        """Return the whole output."""
        buffer, _ = source.window(0, source.size)
        view = memoryview(buffer)
        return b"".join(
            [
                part
                if isinstance(part, bytes)
                else view[part[0] : part[1]]
                if isinstance(part, tuple)
                else b"".join(part.chunks(source.read))
                for part in self.parts
            ]
        )


class EditedSource:
    """The output of a script, readable at any position before it is written anywhere.

    Parameters
    ----------
    source : Source
        The original.
    script : EditScript
        What becomes of it.
    """

    def __init__(self, source: Source, script: EditScript) -> None:
        self._source = source
        self._script = script
        self.size, self.fragments = script.size, script.fragments

    @property
    def scratch(self) -> Scratch:
        """Where the original has what it unfolds to."""
        return self._source.scratch

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        """Return what was asked for."""
        return self.read(start, start + length), start

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range of the output."""
        return b"".join(self._read_part(*piece) for piece in self._pieces(start, stop))

    def original(self, parts: Iterable[ScriptPart]) -> Iterator[ScriptPart]:
        """Yield parts with ranges of the output as parts with ranges of the original."""
        for part in parts:
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, tuple):
                yield from self.parts_of(*part)
            elif isinstance(part, KeptPart):
                yield part
            else:
                yield self._original_masked(part)

    def parts_of(self, start: int, stop: int) -> Iterator[Part]:
        """Yield what a range of the output is made of, in new bytes and ranges of the original."""
        for part, low, high in self._pieces(start, stop):
            if isinstance(part, tuple):
                yield part[0] + low, part[0] + high
            else:
                yield self._read_part(part, low, high)

    def _original_masked(self, part: MaskedRange) -> ScriptPart:
        first, *others = self.parts_of(part.start, part.stop)
        if others or isinstance(first, bytes):  # cells do not go over from one range to the next
            return part.read(self.read, 0, part.stop - part.start)
        return replace(part, start=first[0], stop=first[1])

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[ScriptPart, int, int]]:
        """Yield the parts that a range of the output is in, each with a range of its own."""
        parts = self._script.parts
        number = bisect_right(self._stops, start)
        while number < len(parts) and start < stop:
            part, end = parts[number], self._stops[number]
            begin = end - _size(part)
            yield part, start - begin, min(stop, end) - begin
            start = end
            number += 1

    @cached_property
    def _stops(self) -> list[int]:
        """Where each part ends in the output."""
        return list(accumulate(map(_size, self._script.parts)))

    def _read_part(self, part: ScriptPart, low: int, high: int) -> bytes:
        if isinstance(part, bytes):
            return part[low:high]
        if isinstance(part, tuple):
            return self._source.read(part[0] + low, part[0] + high)
        return part.read(self._source.read, low, high)

    def close(self) -> None:
        """Close the original."""
        self._source.close()
