"""Where clients send files: what every door offers, and what S3 makes of what it was sent."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
import requests
from botocore.config import Config

from dicomorph.aws.uploads.door import S3UploadDoor
from dicomorph.embedded.uploads.door import ServerDoor
from dicomorph.model.errors import BadRequestError, TransientError, UnknownResourceError
from dicomorph.model.uploads import Announcement, Offer, Upload
from dicomorph.ports.uploads import UploadDoor
from tests.contract.stores import REGION, make_bucket
from tests.contract.uploads import MIB, NOW, new_upload

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ID = f"{1:032x}"
ADDRESS = "https://pacs.example.org"
PARTS = (bytes(5 * MIB), b"end")
CHECKSUMS: dict[str, Callable[[bytes], str]] = {
    "Crc32": lambda data: f"{zlib.crc32(data):08x}",
    "Sha256": lambda data: hashlib.sha256(data).hexdigest(),
}
WHOLE = Announcement(size=5, part_size=5)
PARTED = Announcement(size=5 * MIB + 3, part_size=5 * MIB)


def s3_door(client: S3Client, bucket: str, end: datetime | None = None) -> S3UploadDoor:
    return S3UploadDoor(client, bucket, session_end=lambda: end)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return make_bucket(s3)


@pytest.fixture
def client(s3: S3Client) -> S3Client:
    """A client as functions have it, which adds no checksums by itself."""
    config = Config(signature_version="s3v4", request_checksum_calculation="when_required")
    return boto3.client("s3", region_name=REGION, config=config)


@pytest.fixture(params=["server", "s3"])
def door(request: pytest.FixtureRequest, client: S3Client, bucket: str) -> UploadDoor:
    return ServerDoor() if request.param == "server" else s3_door(client, bucket)


def begun(announced: Announcement, offer: Offer) -> Upload:
    return new_upload(announced=announced, ticket=offer.ticket)


def sent(offer: Offer, *data: bytes) -> list[int]:
    """Send parts; return the statuses of the answers."""
    return [
        requests.put(part.url, data=one, headers=dict(part.headers), timeout=5).status_code
        for part, one in zip(offer.parts, data, strict=True)
    ]


@pytest.mark.parametrize("announced", [WHOLE, PARTED])
def test_what_is_offered_is_all_of_the_file_for_an_hour(door: UploadDoor, announced: Announcement) -> None:
    offer = door.offer(ID, announced, now=NOW, address=ADDRESS)
    ends = [0, *(part.stop for part in offer.parts)]
    assert [part.start for part in offer.parts] == ends[:-1]
    assert ends[-1] == announced.size
    assert [part.number for part in offer.parts] == list(range(1, len(offer.parts) + 1))
    assert [part.headers["Content-Length"] for part in offer.parts] == [
        str(part.stop - part.start) for part in offer.parts
    ]
    assert offer.expires == NOW + timedelta(hours=1)


@pytest.mark.parametrize("announced", [WHOLE, PARTED])
def test_the_same_place_is_offered_for_longer(door: UploadDoor, announced: Announcement) -> None:
    offer = door.offer(ID, announced, now=NOW, address=ADDRESS)
    later = NOW + timedelta(minutes=50)
    again = door.renew(begun(announced, offer), now=later, address=ADDRESS)
    assert again.expires == later + timedelta(hours=1)
    assert (again.ticket, again.in_parts) == (offer.ticket, offer.in_parts)
    places = [[part.url.partition("?")[0] for part in one.parts] for one in (offer, again)]
    assert places[0] == places[1]


def test_two_uploads_have_two_places(door: UploadDoor) -> None:
    offers = [door.offer(f"{number:032x}", WHOLE, now=NOW, address=ADDRESS) for number in range(2)]
    places = {offer.parts[0].url.partition("?")[0] for offer in offers}
    assert len(places) == 2
    assert all(place.startswith("https://") for place in places)


@pytest.mark.parametrize("announced", [WHOLE, PARTED])
def test_an_upload_that_nobody_sends_is_ended_without_a_trace(
    door: UploadDoor, announced: Announcement
) -> None:
    upload = begun(announced, door.offer(ID, announced, now=NOW, address=ADDRESS))
    assert not door.holds(upload)
    for _ in range(2):
        door.withdraw(upload)
    assert not door.holds(upload)


@pytest.mark.parametrize("digest", ["", *CHECKSUMS])
def test_s3_has_what_was_sent_as_a_whole(client: S3Client, s3: S3Client, bucket: str, digest: str) -> None:
    checksums = (CHECKSUMS[digest](b"DICOM"),) if digest else ()
    announced = Announcement(size=5, part_size=5, digest=digest, checksums=checksums)
    door = s3_door(client, bucket)
    offer = door.offer(ID, announced, now=NOW, address="")
    assert sent(offer, b"DICOM") == [200]
    door.complete(begun(announced, offer))
    assert door.holds(begun(announced, offer))
    assert s3.get_object(Bucket=bucket, Key=f"incoming/uploads/{ID}")["Body"].read() == b"DICOM"


@pytest.mark.parametrize("digest", ["", *CHECKSUMS])
def test_s3_makes_a_file_of_the_parts_that_were_sent(
    client: S3Client, s3: S3Client, bucket: str, digest: str
) -> None:
    checksums = tuple(CHECKSUMS[digest](part) for part in PARTS) if digest else ()
    announced = Announcement(size=5 * MIB + 3, part_size=5 * MIB, digest=digest, checksums=checksums)
    door = s3_door(client, bucket)
    offer = door.offer(ID, announced, now=NOW, address="")
    upload = begun(announced, offer)
    assert sent(offer, *PARTS) == [200, 200]
    assert not door.holds(upload)
    for _ in range(2):  # somebody does not hear of the first
        door.complete(upload)
        assert door.holds(upload)
    assert s3.get_object(Bucket=bucket, Key=f"incoming/uploads/{ID}")["Body"].read() == b"".join(PARTS)


def test_nothing_is_made_of_some_of_the_parts_and_the_others_are_offered_again(
    client: S3Client, bucket: str
) -> None:
    door = s3_door(client, bucket)
    offer = door.offer(ID, PARTED, now=NOW, address="")
    upload = begun(PARTED, offer)
    assert requests.put(offer.parts[0].url, data=PARTS[0], timeout=5).status_code == 200
    with pytest.raises(BadRequestError, match="1 of 2 parts"):
        door.complete(upload)
    again = door.renew(upload, now=NOW, address="")
    assert [(part.number, part.start, part.stop) for part in again.parts] == [(2, 5 * MIB, 5 * MIB + 3)]
    assert sent(again, PARTS[1]) == [200]
    assert door.renew(upload, now=NOW, address="").parts == ()
    door.complete(upload)
    assert door.holds(upload)


def test_parts_that_were_given_up_are_gone(client: S3Client, s3: S3Client, bucket: str) -> None:
    door = s3_door(client, bucket)
    upload = begun(PARTED, door.offer(ID, PARTED, now=NOW, address=""))
    door.withdraw(upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with pytest.raises(UnknownResourceError, match="gone"):
        door.complete(upload)
    with pytest.raises(UnknownResourceError, match="gone"):
        door.renew(upload, now=NOW, address="")


@pytest.mark.parametrize("minutes", [1, 59, 60, 61, 600])
def test_no_address_outlives_the_credentials_that_signed_it(
    client: S3Client, bucket: str, minutes: int
) -> None:
    end = NOW + timedelta(minutes=minutes)
    offer = s3_door(client, bucket, end).offer(ID, WHOLE, now=NOW, address="")
    assert offer.expires == NOW + timedelta(minutes=min(minutes, 60))
    assert f"X-Amz-Expires={60 * min(minutes, 60)}&" in offer.parts[0].url


@pytest.mark.parametrize("seconds", [0.5, 0, -1])
def test_nothing_is_signed_with_credentials_at_their_end(
    client: S3Client, s3: S3Client, bucket: str, seconds: float
) -> None:
    door = s3_door(client, bucket, NOW + timedelta(seconds=seconds))
    with pytest.raises(TransientError):
        door.offer(ID, PARTED, now=NOW, address="")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
