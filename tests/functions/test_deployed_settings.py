"""The settings of the stack: which texts its parameter takes, and whose fault wrong ones are."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from dicomorph import bootstrap
from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import read_environment
from dicomorph.model.errors import BadRequestError, MisconfiguredError, TransientError
from dicomorph.services.server.allow_lists import allow_lists_of
from local.template import read_template
from tests.support.api_client import Client
from tests.support.quick_moto import quick_aws

PATTERN = read_template()["Parameters"]["Settings"]["AllowedPattern"]
WRONG = {
    "no JSON": "{'StableAge': 1}",
    "no object": "[]",
    "cut short": '{"StableAge": 1',
    "an unknown name": '{"StableAges": 1}',
    "a wrong type": '{"StableAge": "x"}',
    "an unknown value": '{"OverwriteInstances": "Sometimes"}',
    "an unknown edition": '{"DefaultDicomVersion": "1999"}',
    "an unknown encoding": '{"DefaultEncoding": "Morse"}',
    "a target that is no bucket": '{"Targets": {"research": "/srv/research"}}',
    "a folder of allow lists": '{"AllowLists": "/srv/lists"}',
    "allow lists that no function may read": '{"AllowLists": "instances"}',
    "allow lists that only begin alike": '{"AllowLists": "settings/allow-listsmore"}',
    "an unknown VR": '{"Dictionary": {"0009,1001": ["??", "X"]}}',
}
ROUTES = [
    ("browse", "GET", "/studies"),
    ("instances", "POST", "/instances"),
    ("jobs", "GET", "/jobs"),
    ("system", "GET", "/system"),
    ("anonymize_resources", "POST", "/studies/{id}/anonymize"),
]


@pytest.fixture
def unconfigured() -> Iterator[None]:
    bootstrap.use_backend(None)
    yield
    bootstrap.use_backend(None)


@pytest.mark.usefixtures("unconfigured")
@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(("function", "method", "path"), ROUTES)
def test_no_caller_is_blamed_for_settings_that_mean_nothing(
    kind: str, function: str, method: str, path: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("SETTINGS", WRONG[kind])
    client = Client.__new__(Client)
    client._modules = {}
    event = {"resource": path, "path": path.replace("{id}", "a"), "httpMethod": method, "body": "{}"}
    answer = client.send(function, event)
    assert answer.error == (500, -1)
    assert "Known settings" not in answer.body.decode()
    told = [record.getMessage() for record in caplog.records if record.name == "dicomorph.aws.settings"]
    assert told
    assert all(line.startswith("Settings: ") and len(line) > len("Settings: ") for line in told)
    assert all(record.levelno >= logging.ERROR for record in caplog.records if "Settings: " in record.msg)


@pytest.fixture
def bucket() -> Iterator[Any]:
    with quick_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="dicom", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_bucket_versioning(Bucket="dicom", VersioningConfiguration={"Status": "Enabled"})
        yield client


def _object(version: str) -> str:
    return f"dicom/settings/settings.json?versionId={version}"


def test_the_version_that_was_deployed_counts_whatever_was_stored_since(bucket: Any) -> None:
    versions = []
    for age in (1, 2, 3):
        body = json.dumps({"StableAge": age, "UserMetadata": {f"Name{n}": 1024 + n for n in range(1000)}})
        stored = bucket.put_object(Bucket="dicom", Key="settings/settings.json", Body=body.encode())
        versions.append(stored["VersionId"])
    bucket.delete_object(Bucket="dicom", Key="settings/settings.json")
    for age, version in enumerate(versions, 1):
        variables = {"SETTINGS": '{"StableAge": 99}', "SETTINGS_OBJECT": _object(version)}
        settings = aws_backend(read_environment(variables)).settings
        assert (settings.stable_age, len(settings.user_metadata)) == (age, 1000)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'{"StableAges": 1}'])
def test_an_object_that_means_nothing_is_the_operators_fault(bucket: Any, body: bytes) -> None:
    version = bucket.put_object(Bucket="dicom", Key="settings/settings.json", Body=body)["VersionId"]
    with pytest.raises(MisconfiguredError):
        aws_backend(read_environment({"SETTINGS_OBJECT": _object(version)}))


def test_allow_lists_are_objects_below_the_prefix(bucket: Any, caplog: pytest.LogCaptureFixture) -> None:
    variables = {"SETTINGS": '{"AllowLists": "settings/allow-lists/trials/"}', "DICOM_BUCKET_NAME": "dicom"}
    lists = allow_lists_of(aws_backend(read_environment(variables)))
    with pytest.raises(BadRequestError):
        lists("mine")
    assert lists("research-images").tags
    for tags, found in ((["Rows"], {0x00280010}), (["Rows", "Columns"], {0x00280010, 0x00280011})):
        body = json.dumps({"Tags": tags}).encode()
        bucket.put_object(Bucket="dicom", Key="settings/allow-lists/trials/mine.json", Body=body)
        assert lists("mine").tags == found
    bucket.put_object(Bucket="dicom", Key="settings/allow-lists/trials/mine.json", Body=b"{}")
    with pytest.raises(MisconfiguredError):
        lists("mine")
    assert "Setting AllowLists: " in caplog.text


def test_without_the_setting_there_are_but_the_shipped_lists() -> None:
    lists = allow_lists_of(aws_backend(read_environment({"SETTINGS": "{}"})))
    assert lists("research-images").tags
    with pytest.raises(BadRequestError):
        lists("mine")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    "named", [_object("0" * 32), "nowhere/settings.json?versionId=1", "dicom/settings.json", "x"]
)
def test_an_object_that_is_not_there_is_the_operators_fault(named: str) -> None:
    with pytest.raises(MisconfiguredError):
        aws_backend(read_environment({"SETTINGS_OBJECT": named}))


def test_an_outage_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(TransientError):
        aws_backend(read_environment({"SETTINGS_OBJECT": _object("1")}))


@pytest.mark.parametrize(
    "text",
    ["{}", " {} ", "{ }", '{"StableAge":1}', '{ "StableAge" : 1 }\n', '{\n  "Targets": {"a": "some/c"}\n}\n',
     '{"UnencodableText":"Drop","Dictionary":{"0009,1001":["LO","Näme"]}}', '{"DefaultDicomVersion":"2026d"}',
     '{"AllowLists":"settings/allow-lists"}', '{"AllowLists":"settings/allow-lists/trials/"}'],
)  # fmt: skip
def test_the_parameter_takes_json_objects(text: str) -> None:
    assert re.fullmatch(PATTERN, text)
    aws_backend(read_environment({"SETTINGS": text}))


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", '"{}"', "{StableAge:1}", "{'StableAge':1}", '{"StableAge":1', '{\\"StableAge\\":1}',
     "settings.json", "{\N{LEFT DOUBLE QUOTATION MARK}StableAge\N{RIGHT DOUBLE QUOTATION MARK}:1}", "null"],
)  # fmt: skip
def test_the_parameter_takes_nothing_that_a_shell_has_left_of_one(text: str) -> None:
    assert not re.fullmatch(PATTERN, text)
