"""The versions of a bucket of S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dicomorph.aws.objects.errors import error_of_deletion, translated
from dicomorph.ports.versions import StoredVersion

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_DELETED_AT_ONCE = 1000  # S3's limit


class S3Versions:
    """The port `VersionedObjects` over a versioned bucket.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Its name.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def newest(self, prefix: str) -> Iterator[StoredVersion]:
        """See `VersionedObjects.newest`."""
        pages = iter(
            self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        )
        while True:
            with translated():
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Versions", ()):
                if found["IsLatest"]:
                    yield StoredVersion(found["Key"], found["VersionId"], found["LastModified"])

    def folders(self, prefix: str) -> Iterator[str]:
        """See `VersionedObjects.folders`."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
        )
        while True:
            with translated():
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"]

    def erase(self, versions: Sequence[StoredVersion]) -> None:
        """See `VersionedObjects.erase`."""
        for start in range(0, len(versions), _DELETED_AT_ONCE):
            some = versions[start : start + _DELETED_AT_ONCE]
            with translated():
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={
                        "Objects": [{"Key": one.key, "VersionId": one.version} for one in some],
                        "Quiet": True,
                    },
                )
            for failure in answer.get("Errors", ()):
                raise error_of_deletion(failure.get("Code", ""))
