"""Metadata and labels."""

import hashlib
from collections.abc import Callable

import pytest

from tests.support.api_client import Client

LEVELS = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries", "instances": "ID"}


@pytest.fixture(params=LEVELS)
def path(client: Client, request: pytest.FixtureRequest) -> str:
    """A resource at each level."""
    return f"/{request.param}/{client.upload()[LEVELS[request.param]]}"


def _etag(revision: int, value: str) -> str:
    return f'"{revision}-{hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()}"'


def test_what_the_server_keeps_of_an_upload(client: Client) -> None:
    instance = client.upload()["Path"]
    found = client.get(f"{instance}/metadata", query={"expand": ""}).json
    assert found.pop("MainDicomTagsSignature").startswith("0008,0012;")
    assert len(found.pop("ReceptionDate")) == len("20260101T120000")
    assert found == {
        "HttpUsername": "",
        "IndexInSeries": "1",
        "Origin": "RestApi",
        "RemoteAET": "",
        "RemoteIP": "192.0.2.1",
        "SopClassUid": "1.2.840.10008.5.1.4.1.1.2",
        "TransferSyntax": "1.2.840.10008.1.2.1",
    }
    names = client.get(f"{instance}/metadata").json
    assert names == sorted({*found, "MainDicomTagsSignature", "ReceptionDate"})
    assert client.get(f"{instance}/metadata", query={"numeric": ""}).json == [1, 2, 3, 8, 9, 10, 11, 13, 15]


def test_what_the_server_keeps_of_the_parents(client: Client) -> None:
    uploaded = client.upload()
    series = client.get(f"/series/{uploaded['ParentSeries']}/metadata").json
    assert series == ["LastUpdate", "MainDicomTagsSignature", "RemoteAET"]
    study = client.get(f"/studies/{uploaded['ParentStudy']}/metadata").json
    assert study == ["LastUpdate", "MainDicomTagsSignature"]


def test_metadata_is_written_read_and_deleted(client: Client, path: str) -> None:
    assert client.get(f"{path}/metadata/1024").status == 404
    answer = client.put(f"{path}/metadata/1024", "hällo")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "text/plain")
    assert answer.headers["etag"] == _etag(0, "hällo")
    answer = client.get(f"{path}/metadata/1024")
    assert (answer.body, answer.headers["content-type"]) == ("hällo".encode(), "text/plain")
    assert client.put(f"{path}/metadata/1024", "again").headers["etag"] == _etag(1, "again")
    assert client.get(f"{path}/metadata", query={"expand": ""}).json["1024"] == "again"
    assert client.delete(f"{path}/metadata/1024").status == 200
    answer = client.get(f"{path}/metadata/1024")
    assert (answer.status, answer.body) == (404, b"")
    assert client.delete(f"{path}/metadata/1024").status == 404


def test_a_client_that_has_the_value_is_told_so(client: Client, path: str) -> None:
    client.put(f"{path}/metadata/1024", "x")
    answer = client.get(f"{path}/metadata/1024", headers={"If-None-Match": _etag(0, "x")})
    assert (answer.status, answer.body) == (304, b"")
    assert client.get(f"{path}/metadata/1024", headers={"If-None-Match": _etag(1, "x")}).body == b"x"


def test_revisions_are_checked_where_that_is_set(make_client: Callable[..., Client]) -> None:
    client = make_client(check_revisions=True)
    path = f"{client.upload()['Path']}/metadata/1024"
    assert client.put(path, "one").status == 200
    assert client.put(path, "two").error == (409, 43)
    assert client.put(path, "two", headers={"If-Match": _etag(0, "zero")}).error == (409, 43)
    assert client.put(path, "two", headers={"If-Match": _etag(0, "one")}).status == 200
    assert client.delete(path).error == (409, 43)
    assert client.delete(path, headers={"If-Match": _etag(0, "one")}).error == (409, 43)
    assert client.get(path).body == b"two"
    assert client.delete(path, headers={"If-Match": _etag(1, "two")}).status == 200


def test_the_servers_own_metadata_is_read_only(client: Client, path: str) -> None:
    for name in ("MainDicomTagsSignature", "15", "AnonymizedFrom"):
        for answer in (client.put(f"{path}/metadata/{name}", "x"), client.delete(f"{path}/metadata/{name}")):
            assert (answer.status, answer.body) == (403, b"")


@pytest.mark.parametrize("name", ["nope", "1023", "65536", "0", "-1", "99999999", "1024x"])
def test_a_name_that_is_not_registered_is_inexistent(client: Client, name: str) -> None:
    path = f"{client.upload()['Path']}/metadata/{name}"
    for answer in (client.get(path), client.put(path, "x"), client.delete(path)):
        assert answer.error == (404, 7)


def test_metadata_has_the_names_that_the_settings_give(make_client: Callable[..., Client]) -> None:
    client = make_client(user_metadata={"my-metadata": 1098})
    path = f"{client.upload()['Path']}/metadata"
    client.put(f"{path}/my-metadata", "x")
    assert client.get(f"{path}/1098").body == b"x"
    assert "my-metadata" in client.get(path).json
    assert 1098 in client.get(path, query={"numeric": ""}).json


def test_annotations_of_unknown_resources(client: Client) -> None:
    for answer in (
        client.get("/studies/nope/metadata"),
        client.get("/studies/nope/metadata/LastUpdate"),
        client.put("/studies/nope/metadata/1024", "x"),
        client.delete("/studies/nope/metadata/1024"),
        client.get("/studies/nope/labels"),
        client.put("/studies/nope/labels/x"),
        client.delete("/studies/nope/labels/x"),
    ):
        assert answer.error == (404, 17)


def test_metadata_that_is_not_utf8_is_refused(client: Client, path: str) -> None:
    assert client.put(f"{path}/metadata/1024", b"\xff").error == (400, 15)


def test_labels_are_added_listed_and_removed(client: Client, path: str) -> None:
    assert client.get(f"{path}/labels").json == []
    for label in ("seen", "Alpha_2", "b-1", "seen"):
        answer = client.put(f"{path}/labels/{label}")
        assert (answer.status, answer.body) == (200, b"")
    assert client.get(f"{path}/labels").json == ["Alpha_2", "b-1", "seen"]
    assert client.get(path).json["Labels"] == ["Alpha_2", "b-1", "seen"]
    answer = client.get(f"{path}/labels/seen")
    assert (answer.status, answer.body) == (200, b"")
    assert client.delete(f"{path}/labels/seen").status == 200
    assert client.delete(f"{path}/labels/seen").status == 200
    answer = client.get(f"{path}/labels/seen")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("label", ["a b", "é", "a.b", "x" * 65, "a%2Fb"])
def test_a_label_of_other_characters_is_refused(client: Client, path: str, label: str) -> None:
    assert client.put(f"{path}/labels/{label}").error == (400, 3)
    assert client.get(f"{path}/labels").json == []
