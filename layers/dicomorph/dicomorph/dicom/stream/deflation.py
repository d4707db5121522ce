"""Deflated data sets (PS3.5 A.5), inflated and deflated piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.source import Scratch, Source
from dicomorph.model.errors import BadFileFormatError

_READ_AT_ONCE = 1 << 16
_PIECE = 1 << 18  # bytes that are inflated at once
_IN_SCRIPT = 1 << 20  # bytes of a deflated data set that an edit script may hold itself


def inflated(source: Source, start: int) -> Source:
    """Return the data set that stands deflated from a position on; it lies where the source says.

    Raises
    ------
    BadFileFormatError
        If it is damaged or cut off, or inflates beyond what the source allows.
    StorageFullError
        If there is no space for it.
    """
    return source.scratch.keep(_inflated_pieces(source, start))


def deflated(pieces: Iterable[bytes], scratch: Scratch) -> bytes | KeptPart:
    """Return a data set deflated, and padded to an even length, as a part of an edit script."""
    kept = scratch.keep(_deflated_pieces(pieces))
    return kept.read(0, kept.size) if kept.size <= _IN_SCRIPT else KeptPart(kept)


def _inflated_pieces(source: Source, pos: int) -> Iterator[bytes]:
    largest = source.scratch.largest_inflated
    decoder, waiting, size = zlib.decompressobj(-zlib.MAX_WBITS), b"", 0
    while not decoder.eof:
        if not waiting:
            waiting = source.read(pos, min(pos + _READ_AT_ONCE, source.size))
            pos += len(waiting)
        try:
            piece = decoder.decompress(waiting, _PIECE)
        except zlib.error as error:
            raise BadFileFormatError("The deflated data set is damaged") from error
        size += len(piece)
        if size > largest:
            raise BadFileFormatError("The deflated data set is larger than this server accepts")
        if not piece and not waiting and not decoder.eof:
            raise BadFileFormatError("The deflated data set is cut off")
        waiting = decoder.unconsumed_tail
        yield piece


def _deflated_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor, size = zlib.compressobj(wbits=-zlib.MAX_WBITS), 0
    for piece in pieces:
        packed = compressor.compress(piece)
        size += len(packed)
        yield packed
    packed = compressor.flush()
    size += len(packed)
    yield packed + b"\0" if size & 1 else packed
