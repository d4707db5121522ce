"""Presigned URLs: signed, and addressed, so that S3 takes them in every region."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest

from dicomorph.aws.clients import s3_client

# Older ones that still know version 2, newer ones that are off by default, and other partitions.
REGIONS = {
    "us-east-1": "amazonaws.com",
    "us-east-2": "amazonaws.com",
    "us-west-2": "amazonaws.com",
    "eu-west-1": "amazonaws.com",
    "eu-central-1": "amazonaws.com",
    "eu-south-2": "amazonaws.com",
    "ap-northeast-1": "amazonaws.com",
    "ap-southeast-4": "amazonaws.com",
    "sa-east-1": "amazonaws.com",
    "me-central-1": "amazonaws.com",
    "ca-west-1": "amazonaws.com",
    "mx-central-1": "amazonaws.com",
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
}


@pytest.fixture(params=REGIONS)
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_DEFAULT_REGION", request.param)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return str(request.param)


def presigned(bucket: str) -> SplitResult:
    request = {"Bucket": bucket, "Key": "results/ab.dcm"}
    return urlsplit(s3_client().generate_presigned_url("get_object", Params=request))


def test_links_are_signed_for_the_region_and_name_its_own_host(region: str) -> None:
    link = presigned("images")
    query = parse_qs(link.query)
    assert link.scheme == "https"
    assert link.hostname == f"images.s3.{region}.{REGIONS[region]}"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"][0].split("/")[2] == region
    assert query["X-Amz-SignedHeaders"] == ["host"]  # nothing that a client would have to send as well


def test_a_bucket_with_dots_is_not_part_of_the_host_whose_certificate_would_not_cover_it(
    region: str,
) -> None:
    assert presigned("images.hospital.example").hostname == f"s3.{region}.{REGIONS[region]}"
