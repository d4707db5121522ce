"""One multipart upload: its parts come from this process, or from another object of S3."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Self

from dicomorph.aws.objects.checks import compared, encode_crc32
from dicomorph.aws.objects.errors import translated
from dicomorph.model.crc32 import joined
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from types import TracebackType

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef


class Origin(NamedTuple):
    """An object that parts are copied from, as it was when it was read.

    Parameters
    ----------
    version : str
        Empty in a bucket without versions.
    etag : str
        With its quotation marks, as S3 has it.
    """

    bucket: str
    key: str
    version: str
    etag: str


class DonePart(NamedTuple):
    """What S3 answered to a part."""

    number: int
    etag: str
    crc32: int
    size: int


class MultipartUpload:
    """A context in which an object is uploaded; whoever leaves it before `complete` leaves nothing in S3.

    What a crash leaves, a rule of the bucket removes after a day (``AbortIncompleteMultipartUpload``).

    Parameters
    ----------
    client : S3Client
        A low-level client. Parts may be sent and copied from several threads.
    bucket, key : str
        Of the object.
    content_type : str
        Of the object.
    """

    def __init__(self, client: S3Client, bucket: str, key: str, content_type: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._is_complete = False

    def __enter__(self) -> Self:
        with translated():
            self._id = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                ChecksumAlgorithm="CRC32",
                ChecksumType="FULL_OBJECT",
                ContentType=self._content_type,
            )["UploadId"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_complete:
            self._abort()

    def send(self, number: int, data: bytes) -> DonePart:
        """Upload a part from memory."""
        crc32 = zlib.crc32(data)
        with translated():
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                PartNumber=number,
                Body=data,
                ChecksumAlgorithm="CRC32",
                ChecksumCRC32=encode_crc32(crc32),
            )
        return DonePart(number, answer["ETag"], crc32, len(data))

    def copy(self, number: int, origin: Origin, start: int, stop: int) -> DonePart:
        """Let S3 copy a range of another object; it says what checksum that has.

        Raises
        ------
        TransientError
            If the object is not any more what it was.
        CorruptedFileError
            If it ends before the range does.
        """
        source: CopySourceTypeDef = {"Bucket": origin.bucket, "Key": origin.key}
        if origin.version:
            source["VersionId"] = origin.version
        with translated():
            result = self._client.upload_part_copy(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                PartNumber=number,
                CopySource=source,
                CopySourceRange=f"bytes={start}-{stop - 1}",
                CopySourceIfMatch=origin.etag,
            )["CopyPartResult"]
        if "ChecksumCRC32" not in result:  # S3 has one for each part of an upload that asked for them
            raise InternalError("Object store: a copied part has no checksum")
        crc32 = int.from_bytes(base64.b64decode(result["ChecksumCRC32"]), "big")
        return DonePart(number, result["ETag"], crc32, stop - start)

    def complete(self, parts: Iterable[DonePart], *, crc32: int | None = None) -> ObjectRef:
        """Make an object of all parts, in the order of their numbers.

        Parameters
        ----------
        crc32 : int, optional
            What all of them together should have.

        Raises
        ------
        CorruptedFileError
            If they have not.
        """
        found = size = 0
        ordered = sorted(parts)
        for part in ordered:
            found = joined(found, part.crc32, part.size)
            size += part.size
        compared(found, crc32)
        with translated():
            answer = self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=self._id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": number, "ETag": etag, "ChecksumCRC32": encode_crc32(sum_)}
                        for number, etag, sum_, _ in ordered
                    ]
                },
                ChecksumType="FULL_OBJECT",
                ChecksumCRC32=encode_crc32(found),
            )
        self._is_complete = True
        return ObjectRef(self._key, answer.get("VersionId", ""), size, found)

    def _abort(self) -> None:
        try:
            with translated():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._id)
        except DicomorphError:
            return  # what made us abort is the news; the rule of the bucket removes the parts
