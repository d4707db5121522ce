"""Writing objects of S3: as a whole, or in parts; S3 compares what arrives with a checksum."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dicomorph.aws.objects.checks import compared, encode_crc32
from dicomorph.aws.objects.errors import translated
from dicomorph.aws.objects.multipart import MultipartUpload, Origin
from dicomorph.aws.objects.part_plan import PlannedPart
from dicomorph.dicom.stream.source import Source
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_CONTENT_TYPES = {"dcm": "application/dicom", "json": "application/json"}
_COPIED_AT_ONCE = 8


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

    def put_parts(self, key: str, parts: Iterator[bytes]) -> ObjectRef:
        """Write what comes in parts, one of them in memory at a time."""
        with self._upload(key) as upload:
            return upload.complete([upload.send(number, data) for number, data in enumerate(parts, 1)])

    def put_planned(
        self,
        key: str,
        output: Source,
        plan: Sequence[PlannedPart],
        origin: Origin | None,
        *,
        crc32: int | None = None,
    ) -> ObjectRef:
        """Write an output of which S3 copies some parts by itself, several at a time.

        Those that are sent are read one after the other, and only one of them is in memory.

        Parameters
        ----------
        origin : Origin or None
            Where the parts are that are copied, if any are.
        crc32 : int, optional
            What the output should have.
        """
        numbered = list(enumerate(plan, 1))
        # The threads end before the upload does: nothing may arrive behind an abort.
        with self._upload(key) as upload, ThreadPoolExecutor(_COPIED_AT_ONCE, "copies") as threads:
            try:
                copies = [
                    threads.submit(upload.copy, number, origin, at, at + stop - start)
                    for number, (start, stop, at) in numbered
                    if at is not None and origin is not None
                ]
                done = [
                    upload.send(number, output.read(start, stop))
                    for number, (start, stop, at) in numbered
                    if at is None
                ]
                done += [copy.result() for copy in copies]
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
            return upload.complete(done, crc32=crc32)

    def _upload(self, key: str) -> MultipartUpload:
        return MultipartUpload(self._client, self._bucket, key, _content_type(key))


def _content_type(key: str) -> str:
    return _CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
