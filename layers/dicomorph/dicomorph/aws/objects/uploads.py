"""Writing objects of S3: as a whole, or in parts; S3 compares what arrives with a checksum."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dicomorph.aws.objects.checks import compared, encode_crc32
from dicomorph.aws.objects.errors import translated
from dicomorph.aws.objects.parts import PART_BYTES
from dicomorph.model.crc32 import joined
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_CONTENT_TYPES = {"dcm": "application/dicom", "json": "application/json"}


class Uploads:
    """Writes objects of one bucket.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Where they go.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, data: bytes, *, crc32: int | None = None) -> ObjectRef:
        """Write bytes; errors as in `ObjectStore.put`."""
        found = compared(zlib.crc32(data), crc32)
        with translated():
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ChecksumAlgorithm="CRC32",
                ChecksumCRC32=encode_crc32(found),
                ContentType=_content_type(key),
            )
        return ObjectRef(key, answer.get("VersionId", ""), len(data), found)

    def put_parts(
        self, key: str, parts: Iterator[bytes], size: int, *, crc32: int | None = None
    ) -> ObjectRef:
        """Write what comes in parts of a size, one of them in memory at a time.

        Parameters
        ----------
        size : int
            Of all parts together.
        crc32 : int, optional
            What all of them together should have.
        """
        if size <= PART_BYTES:
            return self.put(key, b"".join(parts), crc32=crc32)
        with translated():
            upload = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                ChecksumAlgorithm="CRC32",
                ChecksumType="FULL_OBJECT",
                ContentType=_content_type(key),
            )["UploadId"]
        try:
            done, found = self._put_each(key, upload, parts)
            compared(found, crc32)
            with translated():
                answer = self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload,
                    MultipartUpload={"Parts": done},
                    ChecksumType="FULL_OBJECT",
                    ChecksumCRC32=encode_crc32(found),
                )
        except BaseException:
            self._abort(key, upload)
            raise
        return ObjectRef(key, answer.get("VersionId", ""), size, found)

    def _put_each(
        self, key: str, upload: str, parts: Iterator[bytes]
    ) -> tuple[list[CompletedPartTypeDef], int]:
        """Upload parts; return what S3 is to be told at the end, and the CRC-32 of all of them."""
        done: list[CompletedPartTypeDef] = []
        whole = 0
        for number, data in enumerate(parts, 1):
            crc32 = zlib.crc32(data)
            whole = joined(whole, crc32, len(data))
            done.append(self._put_part(key, upload, number, data, encode_crc32(crc32)))
        return done, whole

    def _put_part(self, key: str, upload: str, number: int, data: bytes, crc32: str) -> CompletedPartTypeDef:
        with translated():
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=data,
                ChecksumAlgorithm="CRC32",
                ChecksumCRC32=crc32,
            )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": crc32}

    def _abort(self, key: str, upload: str) -> None:
        try:
            with translated():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except DicomorphError:
            return  # what made us abort is the news; the lifecycle rule removes the parts


def _content_type(key: str) -> str:
    return _CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
