"""Objects in a versioned bucket of S3."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from dicomorph.aws.objects.checks import crc32_in
from dicomorph.aws.objects.errors import error_of_deletion, translated
from dicomorph.aws.objects.multipart import Origin
from dicomorph.aws.objects.part_plan import check_ranges, planned_parts
from dicomorph.aws.objects.parts import PART_BYTES, file_parts, part_size
from dicomorph.aws.objects.source import RangedSource
from dicomorph.aws.objects.stored_object import StoredObject
from dicomorph.aws.objects.uploads import Uploads
from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import Source
from dicomorph.model.errors import CorruptedFileError, InternalError, UnknownResourceError
from dicomorph.model.resources import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_logger = logging.getLogger(__name__)

_DELETED_AT_ONCE = 1000  # S3's limit
_LINK_SECONDS = 900
_LOOKED_FOR_AT_ONCE = 16


class S3Store:
    """The port `ObjectStore` over a bucket.

    Deleting leaves the versions, so what a job pinned stays readable until the bucket's
    lifecycle rule removes them; another rule removes uploads that a crash left unfinished.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Versioned. The caller must be allowed to list it, or S3 answers 403 for objects that
        do not exist.
    scratch : FileScratch, optional
        Where what files unfold to is kept: by default, in the folder for temporary files.
    """

    keeps_versions = True

    def __init__(self, client: S3Client, bucket: str, scratch: FileScratch | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._uploads = Uploads(client, bucket)
        # Of all who look: each with threads of its own, they would want more connections than there are.
        self._looking = ThreadPoolExecutor(_LOOKED_FOR_AT_ONCE, "s3")
        self.scratch = scratch or FileScratch(nameless_file)

    def check_room(self, size: int) -> None:
        """Do nothing: S3 has room for whatever comes."""

    def put(self, key: str, data: bytes, *, crc32: int | None = None) -> ObjectRef:
        """Store bytes."""
        return self._uploads.put(key, data, crc32=crc32)

    def put_file(self, key: str, path: str) -> ObjectRef:
        """Store a local file, of any size, a part in memory at a time."""
        with open(path, "rb") as file:  # noqa: PTH123 - the port takes text
            file.seek(0, 2)
            size = file.tell()
            if size <= PART_BYTES:
                file.seek(0)
                return self._uploads.put(key, file.read())
            return self._uploads.put_parts(key, file_parts(file, part_size(size)))

    def put_edited(
        self,
        key: str,
        source: ObjectRef,
        script: EditScript,
        *,
        crc32: int | None = None,
        opened: Source | None = None,
    ) -> ObjectRef:
        """Store what an edit script makes of a stored object; S3 copies long ranges by itself."""
        if opened is not None:
            return self.put_script(key, opened, script, crc32=crc32)
        with closing(self._source(source)) as original:
            return self.put_script(key, original, script, crc32=crc32)

    def put_script(
        self, key: str, source: Source, script: EditScript, *, crc32: int | None = None
    ) -> ObjectRef:
        """Store what an edit script makes of an object, of which S3 copies long ranges if it has it.

        What is sent is in memory a part at a time.
        """
        check_ranges(script, source.size)
        if script.size <= PART_BYTES:
            return self._uploads.put(key, b"".join(script.chunks(source)), crc32=crc32)
        if isinstance(source, RangedSource):
            origin = source.stored.origin()
            try:
                return self._put_planned(key, source, script, origin, crc32)
            except InternalError:
                if origin.bucket == self._bucket:
                    raise
                # Who may read one bucket and write another one need not be allowed to copy between them.
                _logger.warning("Another bucket does not take copies: what stays is sent")
        return self._put_planned(key, source, script, None, crc32)

    def _put_planned(
        self, key: str, source: Source, script: EditScript, origin: Origin | None, crc32: int | None
    ) -> ObjectRef:
        plan = planned_parts(script, copies=origin is not None)
        ref = self._uploads.put_planned(key, EditedSource(source, script), plan, origin, crc32=crc32)
        copied = [part.stop - part.start for part in plan if part.origin is not None]
        counts = {
            "copied_parts": len(copied),
            "copied_bytes": sum(copied),
            "sent_parts": len(plan) - len(copied),
            "sent_bytes": script.size - sum(copied),
        }
        if isinstance(source, RangedSource):
            counts |= {"requests": source.stored.requests, "received_bytes": source.stored.received}
        _logger.info("An object was stored in parts", extra=counts)
        return ref

    def put_answer(
        self,
        key: str,
        source: ObjectRef,  # noqa: ARG002 - it is open
        script: EditScript,
        *,
        opened: Source,
        file_name: str,
        crc32: int | None = None,
    ) -> str:
        """Store what a script makes of an object, and return a presigned URL of it."""
        return self.link(self.put_script(key, opened, script, crc32=crc32), file_name=file_name)

    def open(self, ref: ObjectRef) -> Source:
        """Open a stored object at its version; the first bytes of it are fetched at once."""
        source = self._source(ref)
        source.window(0, 1)
        return source

    def checksum(self, ref: ObjectRef) -> int:
        """Return the CRC-32 of an object: S3's own, if it has one of the whole object."""
        found = crc32_in(self._stored(ref).head())
        if found is not None:
            return found
        source = self._source(ref)
        try:
            return crc32_of(source)
        finally:
            source.close()

    def get(self, key: str) -> bytes | None:
        """Return the newest bytes under a key, None if there are none."""
        try:
            with translated():
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except UnknownResourceError:
            return None

    def are_stored(self, refs: Sequence[ObjectRef]) -> bool:
        """Tell whether there is an object under each key; several are looked for at a time."""
        if len(refs) <= 1:
            return all(map(self._is_stored, refs))
        return all(self._looking.map(self._is_stored, refs))

    def sync(self, refs: Iterable[ObjectRef]) -> None:
        """Do nothing: S3 answers a write when it is on disks in several places."""

    def discard(self, refs: Iterable[ObjectRef], *, pinned: bool) -> None:  # noqa: ARG002 - see the class
        """Delete objects; their versions stay readable for as long as the bucket keeps them."""
        keys = iter({ref.key: None for ref in refs})
        while chunk := list(islice(keys, _DELETED_AT_ONCE)):
            objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in chunk]
            with translated():
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            for failure in answer.get("Errors", ()):
                raise error_of_deletion(failure.get("Code", ""))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that start with a prefix, in ascending order."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        )
        while True:
            with translated():
                page = next(pages, None)
            if page is None:
                return
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def link(self, ref: ObjectRef, *, file_name: str) -> str:
        """Return a presigned URL, which lives no longer than the credentials it was made with.

        It names no version: whatever is newest under the key has the same bytes. That there is
        something of this size is seen before, for the client hears of S3 what is wrong, not of us.
        """
        self._stored(replace(ref, version="")).head()
        name = re.sub(r"[^A-Za-z0-9._ -]", "_", file_name)
        request = {
            "Bucket": self._bucket,
            "Key": ref.key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        with translated():
            return self._client.generate_presigned_url("get_object", Params=request, ExpiresIn=_LINK_SECONDS)

    def _is_stored(self, ref: ObjectRef) -> bool:
        try:
            found = crc32_in(self._stored(replace(ref, version="")).head())
        except (UnknownResourceError, CorruptedFileError):
            return False
        return None in (found, ref.crc32) or found == ref.crc32

    def _stored(self, ref: ObjectRef) -> StoredObject:
        return StoredObject(self._client, self._bucket, ref)

    def _source(self, ref: ObjectRef) -> RangedSource:
        return RangedSource(self._stored(ref), self.scratch)


def nameless_file() -> int:
    """Return the descriptor of a temporary file that is gone once it is closed."""
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)  # noqa: PTH108 - text, as `tempfile` has it
    return descriptor
