"""The versions of a bucket: which are listed, and that none but the named ones goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dicomorph.aws.objects.versions import S3Versions
from dicomorph.model.errors import TransientError
from dicomorph.ports.versions import StoredVersion
from tests.contract.stores import make_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return make_bucket(s3)


@pytest.fixture
def small_pages(s3: S3Client) -> Iterator[None]:
    def one(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 1

    events = [f"provide-client-params.s3.{name}" for name in ("ListObjectVersions", "ListObjectsV2")]
    for event in events:
        s3.meta.events.register(event, one)
    yield
    for event in events:
        s3.meta.events.unregister(event, one)


def _put(s3: S3Client, bucket: str, *keys: str) -> list[str]:
    return [s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for key in keys]


@pytest.mark.usefixtures("small_pages")
def test_the_newest_version_of_each_object_is_listed_and_none_of_deleted_ones(
    s3: S3Client, bucket: str
) -> None:
    _, _, kept, *_ = _put(s3, bucket, "a/1", "a/2", "a/2", "a/3", "b/1")
    s3.delete_object(Bucket=bucket, Key="a/1")
    s3.delete_object(Bucket=bucket, Key="a/3")
    assert [(one.key, one.version) for one in S3Versions(s3, bucket).newest("a/")] == [("a/2", kept)]
    assert list(S3Versions(s3, bucket).newest("c/")) == []


@pytest.mark.usefixtures("small_pages")
def test_folders_are_listed_once_and_files_beside_them_are_not(s3: S3Client, bucket: str) -> None:
    _put(s3, bucket, "a/b/1", "a/b/2", "a/c/d/1", "a/e", "f/g/1")
    assert list(S3Versions(s3, bucket).folders("a/")) == ["a/b/", "a/c/"]


def test_named_versions_go_for_good_and_no_others(s3: S3Client, bucket: str) -> None:
    _put(s3, bucket, "a")
    versions = S3Versions(s3, bucket)
    (listed,) = versions.newest("")
    (newer,) = _put(s3, bucket, "a")
    gone = StoredVersion("gone", "0" * 32, listed.modified)
    for _ in range(2):
        versions.erase([listed, gone])
        found = s3.list_object_versions(Bucket=bucket)
        assert [one["VersionId"] for one in found["Versions"]] == [newer]
        assert "DeleteMarkers" not in found


@pytest.mark.parametrize("method", ["newest", "folders", "erase"])
def test_a_throttled_bucket_is_told_from_an_empty_one(s3: S3Client, bucket: str, method: str) -> None:
    def refuse(model: Any, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, model.name)

    (_,) = _put(s3, bucket, "a")
    found = list(S3Versions(s3, bucket).newest(""))
    s3.meta.events.register_first("before-call", refuse)
    try:
        with pytest.raises(TransientError):
            list(getattr(S3Versions(s3, bucket), method)(found if method == "erase" else "") or ())
    finally:
        s3.meta.events.unregister("before-call", refuse)
