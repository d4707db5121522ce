"""Take a file at an address of the server itself (embedded)."""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from dicomorph.model.errors import (
    BadRequestError,
    InexistentTagError,
    TooLargeBodyError,
    UnknownResourceError,
)
from dicomorph.model.uploads import Announcement, Digest, Upload
from dicomorph.services.backend import Backend
from dicomorph.services.store.incoming import check_upload
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.uploads.settle import refused, settle, stored
from dicomorph.services.uploads.view import has_expired, known_upload

_PIECE = 1 << 20


def expected_upload(backend: Backend, upload_id: str, ticket: str) -> Upload:
    """Return the upload whose address was called.

    Raises
    ------
    UnknownResourceError
        If there is none with this secret, or it has expired.
    """
    upload = known_upload(backend, upload_id)
    if not hmac.compare_digest(upload.ticket.encode(), ticket.encode("utf-8", "surrogateescape")):
        raise UnknownResourceError("There is no such upload")
    if has_expired(backend, upload):
        raise UnknownResourceError("The upload has expired")
    return upload


def refuse_early(backend: Backend, upload_id: str, ticket: str, size: int) -> None:
    """Refuse a file before anything of it is written.

    Parameters
    ----------
    size : int
        Bytes, as declared or so far.

    Raises
    ------
    UnknownResourceError
        If nobody waits for it.
    TooLargeBodyError
        If it is larger than was announced, or than the setting ``MaximumBodySize`` allows.
    StorageFullError
        If there is no room for it.
    """
    upload = expected_upload(backend, upload_id, ticket)
    if size > upload.announced.size:
        raise TooLargeBodyError("The file is larger than was announced")
    check_upload(backend, size)


def take_in(backend: Backend, upload_id: str, file: bytes | Path, *, remote_ip: str) -> None:
    """Store a file that was sent, and write down what became of it.

    Raises
    ------
    StorageFullError, TransientError
        If it could not be stored for now: the upload is still waited for.
    """
    try:
        outcome = stored(store_instance(backend, file, remote_ip=remote_ip))
    except (BadRequestError, InexistentTagError) as error:
        outcome = refused(error)
    settle(backend, upload_id, outcome)


def check_file(announced: Announcement, file: bytes | Path) -> None:
    """Compare a file with what was announced.

    Raises
    ------
    TooLargeBodyError
        If it is larger.
    BadRequestError
        If it is smaller, or has another checksum.
    """
    size = len(file) if isinstance(file, bytes) else file.stat().st_size
    if size > announced.size:
        raise TooLargeBodyError("The file is larger than was announced")
    if size < announced.size:
        raise BadRequestError("The file is smaller than was announced")
    if announced.checksums and tuple(_checksums(announced, file)) != announced.checksums:
        raise BadRequestError("The file does not have the checksum that was announced")


def _checksums(announced: Announcement, file: bytes | Path) -> Iterator[str]:
    checksum = _CHECKSUMS[Digest(announced.digest)]
    with BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
        for size in announced.part_sizes:
            yield checksum(_pieces(stream, size))


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (piece := stream.read(min(size, _PIECE))):
        size -= len(piece)
        yield piece


def _crc32(pieces: Iterator[bytes]) -> str:
    found = 0
    for piece in pieces:
        found = zlib.crc32(piece, found)
    return f"{found:08x}"


def _sha256(pieces: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


_CHECKSUMS: dict[Digest, Callable[[Iterator[bytes]], str]] = {Digest.CRC32: _crc32, Digest.SHA256: _sha256}
