"""What moto 5.2.5 gets wrong of parts that S3 copies by itself, and what the tests do about it.

`tests.contract.test_moto_copies` reproduces each fault.
"""

from __future__ import annotations

import base64
import threading
import zlib
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from moto.s3.exceptions import InvalidRange, PreconditionFailed
from moto.s3.responses import S3Response

_LOCK = threading.Lock()


def copy_as_s3_does(patch: pytest.MonkeyPatch) -> None:
    """Copy parts one at a time, on their conditions, and say what checksum they have.

    Moto copies whatever the object has become (``CopySourceIfMatch``), copies less than was asked for
    where the object ends before, and says nothing of checksums.
    """
    copied = S3Response.upload_part_copy

    def upload_part_copy(response: Any) -> Any:
        with _LOCK:  # several are copied at once, and moto has no locks
            _check_source(response)
            status, headers, body = copied(response)
            if status != 200:
                return status, headers, body
            upload = response.backend.get_bucket(response.bucket_name).multiparts[
                response._get_param("uploadId")
            ]
            part = upload.parts[response._get_int_param("partNumber")]
            crc32 = base64.b64encode(zlib.crc32(part.value).to_bytes(4, "big")).decode()
            text = body.decode() if isinstance(body, bytes) else body
            body = text.replace("</CopyPart", f"<ChecksumCRC32>{crc32}</ChecksumCRC32></CopyPart")
            headers["content-length"] = str(len(body))
            return status, headers, body

    patch.setattr(S3Response, "upload_part_copy", upload_part_copy)


def _check_source(response: Any) -> None:
    source = urlsplit(response.headers["x-amz-copy-source"])
    bucket, key = unquote(source.path).lstrip("/").split("/", 1)
    version = parse_qs(source.query).get("versionId", [None])[0]
    found = response.backend.get_object(bucket, key, version_id=version)
    if found is None:
        return
    expected = response.headers.get("x-amz-copy-source-if-match")
    if expected not in (None, found.etag):
        raise PreconditionFailed("x-amz-copy-source-If-Match")
    last = response.headers.get("x-amz-copy-source-range", "0").rpartition("-")[2]
    if int(last) >= found.size:
        raise InvalidRange(last, str(found.size))
