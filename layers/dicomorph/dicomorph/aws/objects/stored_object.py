"""One object of S3 that is read by ranges."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, TypeVar

from dicomorph.aws.objects.checks import check_size, size_in
from dicomorph.aws.objects.errors import translated
from dicomorph.aws.objects.multipart import Origin
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectRequestTypeDef,
        HeadObjectOutputTypeDef,
        HeadObjectRequestTypeDef,
    )

    _RequestT = TypeVar("_RequestT", GetObjectRequestTypeDef, HeadObjectRequestTypeDef)

_AnswerT = TypeVar("_AnswerT")


class StoredObject:
    """An object at its version; at the newest one under its key if that version is gone.

    A duplicated task writes the same bytes again, and the bucket forgets what it wrote first.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Where the object is.
    ref : ObjectRef
        Which one it is.
    may_be_newer : bool
        Whether the newest version will do if this one is gone: not where others write to the key.
    """

    def __init__(self, client: S3Client, bucket: str, ref: ObjectRef, *, may_be_newer: bool = True) -> None:
        self._client = client
        self._bucket = bucket
        self._may_be_newer = may_be_newer
        self.ref = ref
        self._origin: Origin | None = None
        self.requests = self.received = 0  # how often bytes were asked for, and how many came

    def fetch(self, start: int, stop: int) -> bytes:
        """Return the bytes of a range."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self.ref.key}
        if start < stop:  # an empty object has no range
            request["Range"] = f"bytes={start}-{stop - 1}"
        answer = self._newest_if_gone(request, self._client.get_object)
        check_size(size_in(answer), self.ref)
        self._origin = self._origin_in(answer.get("VersionId", ""), answer["ETag"])
        with translated():
            data = answer["Body"].read()
        self.requests += 1
        self.received += len(data)
        return data

    def head(self) -> HeadObjectOutputTypeDef:
        """Return what S3 says of the object."""
        request: HeadObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self.ref.key,
            "ChecksumMode": "ENABLED",
        }
        found = self._newest_if_gone(request, self._client.head_object)
        check_size(found["ContentLength"], self.ref)
        return found

    def origin(self) -> Origin:
        """Return from where ranges of what was read can be copied."""
        if self._origin is None:
            found = self.head()
            self._origin = self._origin_in(found.get("VersionId", ""), found["ETag"])
        return self._origin

    def _origin_in(self, version: str, etag: str) -> Origin:
        return Origin(self._bucket, self.ref.key, version, etag)

    def _newest_if_gone(self, request: _RequestT, ask: Callable[..., _AnswerT]) -> _AnswerT:
        if self.ref.version:
            gone = suppress(UnknownResourceError) if self._may_be_newer else nullcontext()
            with gone, translated():
                return ask(**request, VersionId=self.ref.version)
        with translated():
            return ask(**request)
