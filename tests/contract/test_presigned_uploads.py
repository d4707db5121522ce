"""Signed PUTs: a client sends what it was told, and S3 takes nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.stub import Stubber

from dicomorph.aws.backend import s3_client
from dicomorph.aws.uploads.door import S3UploadDoor
from dicomorph.aws.uploads.session import session_end
from dicomorph.model.errors import InternalError
from dicomorph.model.uploads import Announcement, OfferedPart
from tests.contract.uploads import MIB, NOW, new_upload

SECRET = "testing"
CRC32 = Announcement(size=5, part_size=5, digest="Crc32", checksums=("cbf43926",))
SHA256 = Announcement(size=5, part_size=5, digest="Sha256", checksums=("ab" * 32,))
PLAIN = Announcement(size=5, part_size=5)
PARTED = Announcement(size=5 * MIB + 3, part_size=5 * MIB, digest="Crc32", checksums=("cbf43926", "00000001"))


def signature(part: OfferedPart, headers: dict[str, str], *, method: str = "PUT") -> str:
    """Return what S3 computes for a request (Signature Version 4, in the query)."""
    url = urlsplit(part.url)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    del query["X-Amz-Signature"]
    sent = {"host": url.netloc, **{name.lower(): value for name, value in headers.items()}}
    names = query["X-Amz-SignedHeaders"].split(";")
    canonical = "\n".join(
        (
            method,
            url.path,
            "&".join(
                f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query)
            ),
            *(f"{name}:{sent.get(name, '')}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        )
    )
    _, scope = query["X-Amz-Credential"].split("/", 1)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest))
    key = f"AWS4{SECRET}".encode()
    for step in (*scope.split("/"), text):
        key = hmac.digest(key, step.encode(), "sha256")
    return key.hex()


def signed(part: OfferedPart) -> str:
    return dict(parse_qsl(urlsplit(part.url).query))["X-Amz-Signature"]


def offered(announced: Announcement) -> OfferedPart:
    door = S3UploadDoor(s3_client(bare=True), "images", session_end=lambda: None)
    [part] = door.offer("ab" * 16, announced, now=NOW, address="").parts
    return part


def offered_parts() -> list[OfferedPart]:
    client = s3_client(bare=True)
    door = S3UploadDoor(client, "images", session_end=lambda: None)
    with Stubber(client) as stubber:
        stubber.add_response("list_parts", {"Parts": []})
        return list(door.renew(new_upload(announced=PARTED, ticket="T"), now=NOW, address="").parts)


EACH: list[tuple[str, Any]] = [
    ("plain", lambda: [offered(PLAIN)]),
    ("CRC-32", lambda: [offered(CRC32)]),
    ("SHA-256", lambda: [offered(SHA256)]),
    ("parts", offered_parts),
]


@pytest.fixture(params=[make for _, make in EACH], ids=[name for name, _ in EACH])
def parts(request: pytest.FixtureRequest) -> list[OfferedPart]:
    found: list[OfferedPart] = request.param()
    return found


def test_s3_takes_what_comes_with_the_headers_that_are_listed(parts: list[OfferedPart]) -> None:
    for part in parts:
        assert signature(part, dict(part.headers)) == signed(part)
        assert part.headers["Content-Length"] == str(part.stop - part.start)


def test_s3_takes_no_other_size_checksum_method_and_place(parts: list[OfferedPart]) -> None:
    for part in parts:
        for name, value in part.headers.items():
            others = {key: kept for key, kept in part.headers.items() if key != name}
            assert signature(part, others) != signed(part)
            assert signature(part, {**others, name: f"{value}0"}) != signed(part)
        assert signature(part, dict(part.headers), method="GET") != signed(part)
    assert len({signed(part) for part in parts}) == len(parts)


def test_checksums_are_those_of_the_announcement_as_s3_writes_them() -> None:
    assert offered(PLAIN).headers == {"Content-Length": "5"}
    assert offered(CRC32).headers["x-amz-checksum-crc32"] == "y/Q5Jg=="
    assert offered(SHA256).headers["x-amz-checksum-sha256"] == "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
    assert [part.headers.get("x-amz-checksum-crc32") for part in offered_parts()] == ["y/Q5Jg==", "AAAAAQ=="]


def test_what_an_sdk_signs_besides_is_noticed() -> None:
    client = s3_client(bare=True)

    def add(request: Any, **_: Any) -> None:
        request.headers["x-amz-sdk-checksum-algorithm"] = "CRC32"

    client.meta.events.register("before-sign.s3.PutObject", add)
    door = S3UploadDoor(client, "images", session_end=lambda: None)
    with pytest.raises(InternalError, match="other headers"):
        door.offer("ab" * 16, PLAIN, now=NOW, address="")


def test_the_end_of_a_session_is_known_where_the_credentials_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    s3_client()
    assert session_end() is None  # those of the environment do not
    end = datetime.now(timezone(timedelta(hours=2))) + timedelta(hours=2)
    credentials = RefreshableCredentials("key", "secret", "token", end, dict, "test")
    monkeypatch.setattr(boto3.DEFAULT_SESSION, "get_credentials", lambda: credentials)
    found = session_end()
    assert found is not None
    assert (found, found.utcoffset()) == (end, timedelta())
