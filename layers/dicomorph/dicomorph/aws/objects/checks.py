"""Comparing what S3 says of an object with what was recorded of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from dicomorph.model.errors import CorruptedFileError
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

_CRC32_BYTES = 4


def encode_crc32(crc32: int) -> str:
    """Return a CRC-32 as S3 writes it."""
    return base64.b64encode(crc32.to_bytes(_CRC32_BYTES, "big")).decode("ascii")


def crc32_in(answer: HeadObjectOutputTypeDef) -> int | None:
    """Return the CRC-32 of an object as a whole, None if S3 has none: earlier versions asked for SHA-256."""
    found = answer.get("ChecksumCRC32")
    if not found or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return int.from_bytes(base64.b64decode(found), "big")


def size_in(answer: GetObjectOutputTypeDef) -> int:
    """Return the size of an object of which a range was asked for, or all."""
    whole = answer.get("ContentRange", "").rpartition("/")[2]
    return int(whole) if whole.isdigit() else answer["ContentLength"]


def check_size(found: int, ref: ObjectRef) -> None:
    """Raise `CorruptedFileError` if an object has another size than its reference."""
    if found != ref.size:
        raise CorruptedFileError("A stored object has another size than when it was stored")


def compared(found: int, expected: int | None) -> int:
    """Return a CRC-32; raise `CorruptedFileError` if another one is expected."""
    if expected not in (None, found):
        raise CorruptedFileError("What was to be stored is not what its source was when that was stored")
    return found
