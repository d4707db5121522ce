"""Values that are no items in another encoding: copied, ranges of the source, or words swapped."""

from __future__ import annotations

import struct
from typing import Final

from dicomorph.dicom.recoding.output import Output
from dicomorph.dicom.recoding.steps import Steps
from dicomorph.dicom.recoding.words import swapped, swapped_pieces
from dicomorph.dicom.stream.elements import (
    DELIMITER_BYTES,
    ITEM,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    skip_fragments,
)
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.windows import Window

LONG_VALUE: Final = 1 << 16
"""Bytes from which on a value is a range of the source, not a copy."""

_NEVER = 1 << 32


class ValueWriter:
    """Writes values of one source in another encoding.

    Parameters
    ----------
    window : Window
        Where they are read.
    output : Output
        Where they go.
    target : Encoding
        How they are to be written.
    makes_ranges : bool
        Whether long values become ranges of the source; else they are copied.
    """

    def __init__(
        self, window: Window, output: Output, target: Encoding, *, makes_ranges: bool = True
    ) -> None:
        self._window = window
        self._output = output
        self._target = target
        self._longest = LONG_VALUE if makes_ranges else _NEVER
        self._item = target.tag(ITEM)
        self._sequence_end = target.tag(SEQUENCE_DELIMITATION) + bytes(4)
        self._pack_length = struct.Struct(target.order + "I").pack
        self._base = 0  # of the buffer that is walked

    def _value(self, tag: int, vr: bytes, start: int, stop: int, steps: Steps) -> None:
        """Write an element that is no sequence, of defined length."""
        output, word, read = self._output, steps.word(vr), self._window.read
        start, stop = self._base + start, self._base + stop
        output.chunk += self._target.header(tag, vr, stop - start)
        if stop - start < self._longest:
            output.chunk += swapped(read(start, stop), word) if word else read(start, stop)
        elif word:
            # Not through the window: pages of a mapped file stay in memory once they were touched.
            output.keep(swapped_pieces(self._window.source.read, start, stop, word))
        else:
            output.add_range(start, stop)

    def _copy(self, start: int, stop: int) -> None:
        """Write what is the same in both encodings."""
        start, stop = self._base + start, self._base + stop
        if stop - start < self._longest:
            self._output.chunk += self._window.read(start, stop)
        else:
            self._output.add_range(start, stop)

    def _fragments(self, tag: int, buffer: Buffer, value: int, end: int, steps: Steps) -> int:
        """Write encapsulated pixel data; what the fragments hold stays as it is."""
        stop = skip_fragments(buffer, value, end, steps.source.order)
        self._output.chunk += self._target.header(tag, b"OB", UNDEFINED_LENGTH)
        while value < stop - DELIMITER_BYTES:
            _, length = steps.tag_and_length(buffer, value)
            self._output.chunk += self._item + self._pack_length(length)
            value += DELIMITER_BYTES
            self._copy(value, value + length)
            value += length
        self._output.chunk += self._sequence_end
        return stop
