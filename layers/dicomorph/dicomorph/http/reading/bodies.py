"""Bodies of requests: inflated, and told what they are where they are not what is asked for."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.model.errors import BadFileFormatError

_MIB = 1 << 20
_IN_MEMORY = 4 * _MIB
_PIECE = 1 << 16  # bytes; what is behind the end of a member is copied, and there may be many
_MOST_MEMBERS = 20_000  # as many blocks as blocked gzip (64 KiB each) makes of five times that size
_ZIP = b"PK\x03\x04"
_BOUNDARY = b"--"
_PREFIX = b"DICM"
_BEGINNING = 128 + len(_PREFIX)  # bytes


def check_file_body(body: bytes | Path) -> None:
    """Say it of an upload if it is a form, an archive or nothing.

    Raises
    ------
    BadFileFormatError
        With what to send instead.
    """
    beginning = _beginning(body)
    if not beginning:
        raise BadFileFormatError("The body of the request is empty: it must be a DICOM file")
    if beginning.endswith(_PREFIX):  # its preamble may be that of any other format (PS3.10 7.1)
        return
    if beginning.startswith(_BOUNDARY):
        raise BadFileFormatError("The body of the request is a form: it must be the DICOM file itself")
    if beginning.startswith(_ZIP):
        raise BadFileFormatError("The body of the request is a ZIP archive: send its files one by one")


def check_json_body(body: bytes) -> None:
    """Say it of JSON if it is a form, or nothing.

    Raises
    ------
    BadFileFormatError
        With what to send instead.
    """
    if not body.strip():
        raise BadFileFormatError("The body of the request is empty: it must be a JSON object, such as {}")
    if body.startswith(_BOUNDARY):
        raise BadFileFormatError("The body of the request is a form: it must be the JSON itself")


def _beginning(body: bytes | Path) -> bytes:
    if isinstance(body, bytes):
        return body[:_BEGINNING]
    with body.open("rb") as file:
        return file.read(_BEGINNING)


def inflate(body: bytes | Path, tell: Callable[[Path], None], scratch: FileScratch) -> bytes | Path:
    """Return what a body that was sent with ``Content-Encoding: gzip`` inflates to.

    Parameters
    ----------
    body : bytes or Path
        As sent, or the file that holds it.
    tell : Callable[[Path], None]
        Told of the file that takes what is larger than 4 MiB, before it is filled; the caller
        removes it.
    scratch : FileScratch
        Says how much may be inflated, and what room there is.

    Raises
    ------
    BadFileFormatError
        If it is not gzip, cut off, or inflates beyond what is allowed.
    StorageFullError
        If no space is left for the file, or to be left.
    """
    try:
        if isinstance(body, bytes):
            return _gathered(_inflated_chunks(lambda start, stop: body[start:stop], scratch), tell, scratch)
        with body.open("rb") as file:
            return _gathered(_inflated_chunks(partial(_read, file), scratch), tell, scratch)
    except zlib.error as error:
        raise BadFileFormatError("The body of the request is not gzip") from error


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def _gathered(chunks: Iterator[bytes], tell: Callable[[Path], None], scratch: FileScratch) -> bytes | Path:
    """Return chunks in memory as long as they are small, else in a file."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > _IN_MEMORY:
            descriptor, name = tempfile.mkstemp()
            tell(Path(name))
            try:
                scratch.write(descriptor, [found])
                for more in chunks:
                    scratch.write(descriptor, [more])
            finally:
                os.close(descriptor)
            return Path(name)
    return bytes(found)


def _inflated_chunks(read: Callable[[int, int], bytes], scratch: FileScratch) -> Iterator[bytes]:
    """Yield what a body inflates to: all members of it, one after the other (RFC 1952 2.2)."""
    size = members = pos = 0
    while not members or read(pos, pos + 1).strip(b"\0"):  # gzip itself takes zeros for padding
        members += 1
        if members > _MOST_MEMBERS:
            raise BadFileFormatError("The body of the request has too many parts")
        decoder, piece = zlib.decompressobj(wbits=31), b""  # 16 for gzip, 15 for the largest window
        while not decoder.eof:
            if not piece:
                piece = read(pos, pos + _PIECE)
                pos += len(piece)
            chunk = decoder.decompress(piece, _MIB)
            size += len(chunk)
            if size > scratch.largest_inflated:
                raise BadFileFormatError("The body of the request is too large")
            if not chunk and not piece and not decoder.eof:
                raise BadFileFormatError("The body of the request is cut off")
            piece = decoder.unconsumed_tail
            yield chunk
        pos -= len(decoder.unused_data)
    while rest := read(pos, pos + _MIB):
        if rest.strip(b"\0"):
            raise BadFileFormatError("The body of the request is not gzip")
        pos += len(rest)
