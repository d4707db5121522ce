"""What moto gets wrong of parts that S3 copies by itself: a newer one tells which workarounds can go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.moto_copies import copy_as_s3_does

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture(params=["moto", "mended"])
def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    if request.param == "mended":
        copy_as_s3_does(monkeypatch)
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def is_mended(request: pytest.FixtureRequest) -> bool:
    return "mended" in request.node.name


def copy(s3: S3Client, **options: Any) -> Any:
    s3.create_bucket(Bucket="bucket")
    etag = s3.put_object(Bucket="bucket", Key="source", Body=b"0123456789")["ETag"]
    upload = s3.create_multipart_upload(
        Bucket="bucket", Key="key", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )["UploadId"]
    request = {"CopySourceRange": "bytes=2-4", "CopySourceIfMatch": etag, **options}
    answer = s3.upload_part_copy(
        Bucket="bucket",
        Key="key",
        UploadId=upload,
        PartNumber=1,
        CopySource={"Bucket": "bucket", "Key": "source"},
        **request,
    )
    return answer["CopyPartResult"]


def test_a_copied_part_has_a_checksum(s3: S3Client, *, is_mended: bool) -> None:
    assert ("ChecksumCRC32" in copy(s3)) == is_mended


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"CopySourceIfMatch": '"another"'}, "PreconditionFailed"),
        ({"CopySourceRange": "bytes=5-10"}, "InvalidRange"),
    ],
)
def test_a_copy_is_refused(s3: S3Client, options: dict[str, str], code: str, *, is_mended: bool) -> None:
    if not is_mended:
        assert copy(s3, **options)["ETag"]
        return
    with pytest.raises(ClientError) as caught:
        copy(s3, **options)
    assert caught.value.response["Error"]["Code"] == code
