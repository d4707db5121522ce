"""S3 takes uploads at presigned addresses, below ``incoming/uploads/``."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from dicomorph.aws.objects.checks import encode_crc32
from dicomorph.aws.objects.errors import translated
from dicomorph.model.crc32 import joined
from dicomorph.model.errors import BadRequestError, InternalError, TransientError, UnknownResourceError
from dicomorph.model.object_keys import incoming_upload_key
from dicomorph.model.uploads import Announcement, Digest, Offer, OfferedPart, Upload

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_SIGNED_FOR: Final = timedelta(hours=1)
_PARAMETERS: Final = {Digest.CRC32.value: "ChecksumCRC32", Digest.SHA256.value: "ChecksumSHA256"}
_HEADERS: Final = {Digest.CRC32.value: "x-amz-checksum-crc32", Digest.SHA256.value: "x-amz-checksum-sha256"}
# What S3 keeps of a file in parts: of SHA-256, it knows one of the parts' own only.
_KINDS: Final[dict[str, Any]] = {
    "": {},
    Digest.CRC32.value: {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"},
    Digest.SHA256.value: {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE"},
}


class S3UploadDoor:
    """The port `UploadDoor` over a bucket.

    An address is signed together with the size of what is sent, and with its checksum if one was
    announced: S3 refuses anything else. Nothing is said of encryption, since S3 refuses headers
    ``x-amz-`` that were not signed: so it is that of the bucket.

    Parameters
    ----------
    client : S3Client
        Of the region's own host, which adds no checksums by itself: clients would have to send them.
    bucket : str
        Where files go; its lifecycle removes parts that nobody completes.
    session_end : Callable[[], datetime | None]
        Until when the credentials live that sign; None if they do not tell.
    """

    def __init__(self, client: S3Client, bucket: str, *, session_end: Callable[[], datetime | None]) -> None:
        self._client = client
        self._bucket = bucket
        self._session_end = session_end

    def offer(self, upload_id: str, announced: Announcement, *, now: datetime, address: str) -> Offer:  # noqa: ARG002 - S3 has its own
        """Sign an address for the file, or one for each part."""
        place, ticket, expires = self._place(upload_id), "", self._expiry(now)
        if announced.is_parted:
            with translated():
                ticket = self._client.create_multipart_upload(**place, **_KINDS[announced.digest])["UploadId"]
        return self._offer(place, ticket, announced, now, expires)

    def renew(self, upload: Upload, *, now: datetime, address: str) -> Offer:  # noqa: ARG002 - S3 has its own
        """Sign the address of the file again, or those of the parts that S3 does not have."""
        place, sent = self._place(upload.id), set[int]()
        if upload.ticket:
            sent = {part["PartNumber"] for part in self._sent_parts(place, upload.ticket)}
        return self._offer(place, upload.ticket, upload.announced, now, self._expiry(now), sent)

    def complete(self, upload: Upload) -> None:
        """Let S3 put the parts together that it has, if they are all."""
        if not upload.ticket:
            return
        try:
            self._complete(upload)
        except UnknownResourceError:
            if not self.holds(upload):  # completed before
                raise

    def withdraw(self, upload: Upload) -> None:
        """Let S3 forget the parts."""
        if upload.ticket:
            with suppress(UnknownResourceError), translated():
                self._client.abort_multipart_upload(**self._place(upload.id), UploadId=upload.ticket)

    def holds(self, upload: Upload) -> bool:
        """Tell whether the file is there and has yet to be taken in."""
        with translated():
            found = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=incoming_upload_key(upload.id), MaxKeys=1
            )
        return bool(found.get("KeyCount"))

    def _place(self, upload_id: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": incoming_upload_key(upload_id)}

    def _offer(
        self,
        place: dict[str, Any],
        ticket: str,
        announced: Announcement,
        now: datetime,
        expires: datetime,
        sent: Collection[int] = (),
    ) -> Offer:
        seconds = int((expires - now).total_seconds())
        parts = tuple(
            self._signed({**place, **_part_of(ticket, number)}, announced, number, seconds)
            for number in range(1, announced.parts + 1)
            if number not in sent
        )
        return Offer(in_parts=announced.is_parted, parts=parts, expires=expires, ticket=ticket)

    def _expiry(self, now: datetime) -> datetime:
        end = self._session_end()
        if end is None:
            return now + _SIGNED_FOR
        if end - now < timedelta(seconds=1):
            raise TransientError("The credentials of the function come to their end")
        return min(now + _SIGNED_FOR, end)

    def _signed(
        self, request: dict[str, Any], announced: Announcement, number: int, seconds: int
    ) -> OfferedPart:
        start, stop = announced.range_of(number)
        request["ContentLength"] = stop - start
        headers = {"Content-Length": str(stop - start)}
        if announced.checksums:
            checksum = _encoded(announced.checksums[number - 1])
            request[_PARAMETERS[announced.digest]] = headers[_HEADERS[announced.digest]] = checksum
        operation: Literal["put_object", "upload_part"] = (
            "upload_part" if "UploadId" in request else "put_object"
        )
        with translated():
            url = self._client.generate_presigned_url(operation, Params=request, ExpiresIn=seconds)
        _check_signed(url, headers)
        return OfferedPart(number=number, start=start, stop=stop, url=url, headers=headers)

    def _complete(self, upload: Upload) -> None:
        announced, place = upload.announced, self._place(upload.id)
        parts = self._sent_parts(place, upload.ticket)
        sizes = dict(enumerate(announced.part_sizes, 1))
        if {part["PartNumber"]: part["Size"] for part in parts} != sizes:
            raise BadRequestError(f"{len(sizes) - len(parts)} of {len(sizes)} parts have not been sent")
        named = ("ETag", "PartNumber", *_PARAMETERS.values())
        done: Any = [{name: part[name] for name in named if name in part} for part in parts]
        with translated():
            self._client.complete_multipart_upload(
                **place,
                UploadId=upload.ticket,
                MultipartUpload={"Parts": done},
                **_whole(announced),
            )

    def _sent_parts(self, place: dict[str, Any], ticket: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        pages = iter(self._client.get_paginator("list_parts").paginate(**place, UploadId=ticket))
        while True:
            try:
                with translated():
                    page = next(pages, None)
            except UnknownResourceError:
                raise UnknownResourceError("The parts of the upload are gone") from None
            if page is None:
                return found
            found += [dict(part) for part in page.get("Parts", ())]


def _part_of(ticket: str, number: int) -> dict[str, Any]:
    return {"UploadId": ticket, "PartNumber": number} if ticket else {}


def _encoded(checksum: str) -> str:
    return base64.b64encode(bytes.fromhex(checksum)).decode("ascii")


def _whole(announced: Announcement) -> dict[str, Any]:
    """Return what S3 is told of the whole file: the CRC-32 that follows from those of the parts."""
    if announced.digest != Digest.CRC32.value:
        return {}
    found = 0
    for size, checksum in zip(announced.part_sizes, announced.checksums, strict=True):
        found = joined(found, int(checksum, 16), size)
    return {"ChecksumType": "FULL_OBJECT", "ChecksumCRC32": encode_crc32(found)}


def _check_signed(url: str, headers: dict[str, str]) -> None:
    """See that a client has to send what it is told, and nothing that a newer SDK has signed as well."""
    [signed] = parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"]
    if signed.split(";") != sorted(["host", *(name.lower() for name in headers)]):
        raise InternalError("An address was signed with other headers than it should")
