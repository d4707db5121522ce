"""Objects that arrive in a bucket of S3."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from dicomorph.aws.objects.errors import translated
from dicomorph.aws.objects.source import RangedSource
from dicomorph.dicom.stream.source import Scratch, Source
from dicomorph.model.errors import UnknownResourceError
from dicomorph.ports.arrivals import Arrived

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class S3Arrivals:
    """The port `Arrivals` over a versioned bucket; the place of an object is its key.

    Metadata and tags of objects are never asked for: nothing of them goes anywhere.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Versioned: whoever writes to a key once more takes nothing away from what arrived before.
    scratch : Scratch
        Where what objects unfold to is kept.
    """

    def __init__(self, client: S3Client, bucket: str, scratch: Scratch) -> None:
        self._client = client
        self._bucket = bucket
        self._scratch = scratch

    def open(self, arrived: Arrived) -> Source:
        """Open an object at the very version that arrived."""
        with translated():
            found = self._client.head_object(
                Bucket=self._bucket, Key=arrived.place, VersionId=arrived.version
            )
        return RangedSource(partial(self._fetch, arrived), found["ContentLength"], self._scratch)

    def remove(self, arrived: Arrived) -> None:
        """Delete that version for good: no marker hides what has come to the same key since."""
        with suppress(UnknownResourceError), translated():
            self._client.delete_object(Bucket=self._bucket, Key=arrived.place, VersionId=arrived.version)

    def _fetch(self, arrived: Arrived, start: int, stop: int) -> bytes:
        with translated():
            answer = self._client.get_object(
                Bucket=self._bucket,
                Key=arrived.place,
                VersionId=arrived.version,
                Range=f"bytes={start}-{stop - 1}",
            )
            return answer["Body"].read()
