"""Uploading again what is damaged or missing, under each setting, on both deployments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.damage import check_object
from dicomorph.services.store.delete_resource import delete_resource
from tests.support.api_client import Client, InlineRunner, make_dicom
from tests.support.damage import (
    MISSING,
    OF_SIZE,
    Damage,
    damage,
    flipped,
    stored_bytes,
    stored_object,
)

ALWAYS, NEVER, IF_CHANGED = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER, OverwriteInstances.IF_CHANGED
DAMAGES: dict[str, Damage] = {
    **OF_SIZE,
    "missing": MISSING,
    **{f"flipped at {at}": flipped(at) for at in (0.0, 0.3, 0.7, 1.0)},
}
VALUES: dict[str, Any] = {"PixelData": bytes(range(256)) * 8, "BitsAllocated": 8}
FILE = make_dicom(**VALUES)
OTHER = make_dicom(**VALUES, PatientSex="F")


@pytest.fixture(params=["embedded", "aws"])
def server(request: pytest.FixtureRequest) -> Client:
    found: Client = request.getfixturevalue("client" if request.param == "embedded" else "aws_client")
    return found


@contextmanager
def overwriting(client: Client, overwrite: OverwriteInstances) -> Iterator[None]:
    """Let a server have another setting."""
    before = client.backend
    settings = replace(before.settings, overwrite_instances=overwrite)
    client.backend = replace(before, settings=settings)
    bootstrap.use_backend(client.backend)
    try:
        yield
    finally:
        client.backend = before
        bootstrap.use_backend(before)


def status(client: Client, file: bytes) -> str:
    answer = client.post("/instances", file)
    assert answer.status == 200
    return str(answer.json["Status"])


def assert_stored(client: Client, instance: str, file: bytes) -> None:
    """Check that a file is the one that is stored, and nothing else is."""
    assert stored_bytes(client.backend, instance) == file
    assert client.get(f"/instances/{instance}/file").body == file
    check_object(client.backend.objects, stored_object(client.backend, instance))
    assert client.stored_files() == {stored_object(client.backend, instance).key}
    assert client.get("/statistics").json["TotalDiskSize"] == str(len(file))


def assert_mended(client: Client, overwrite: OverwriteInstances, damaged: str) -> None:
    """Check that an upload mends a damaged file, and that nothing else changes."""
    with overwriting(client, overwrite):
        instance = client.post("/instances", FILE).json["ID"]
        client.put(f"/instances/{instance}/metadata/1234", "kept")
        client.put(f"/instances/{instance}/labels/seen")
        damage(client.backend, instance, DAMAGES[damaged])
        assert status(client, FILE) == "Success"
        assert_stored(client, instance, FILE)
        if overwrite is not ALWAYS:  # which forgets them, as Orthanc does
            assert client.get(f"/instances/{instance}/metadata/1234").body == b"kept"
            assert client.get(f"/instances/{instance}/labels").json == ["seen"]
        assert status(client, FILE) == ("Success" if overwrite is ALWAYS else "AlreadyStored")
        assert_stored(client, instance, FILE)
        client.delete(f"/instances/{instance}")


@pytest.mark.parametrize("overwrite", OverwriteInstances)
def test_an_upload_mends_what_is_stored(client: Client, overwrite: OverwriteInstances) -> None:
    for damaged in DAMAGES:
        assert_mended(client, overwrite, damaged)


@pytest.mark.parametrize(
    ("overwrite", "damaged"),
    [
        (NEVER, "missing"),
        (IF_CHANGED, "flipped at 0.7"),
        *(
            pytest.param(overwrite, damaged, marks=pytest.mark.slow)
            for overwrite in OverwriteInstances
            for damaged in DAMAGES
        ),
    ],
)
def test_an_upload_mends_what_is_stored_on_aws(
    aws_client: Client, overwrite: OverwriteInstances, damaged: str
) -> None:
    assert_mended(aws_client, overwrite, damaged)


@pytest.mark.parametrize("damaged", ["missing", "flipped at 0.7"])
def test_another_file_takes_the_place_of_a_damaged_one(server: Client, damaged: str) -> None:
    instance = server.post("/instances", FILE).json["ID"]
    server.put(f"/instances/{instance}/metadata/1234", "kept")
    server.put(f"/instances/{instance}/labels/seen")
    damage(server.backend, instance, DAMAGES[damaged])
    assert status(server, OTHER) == "Success"
    assert_stored(server, instance, OTHER)
    assert server.get(f"/instances/{instance}/metadata/1234").body == b"kept"
    assert server.get(f"/instances/{instance}/labels").json == ["seen"]
    assert status(server, FILE) == "AlreadyStored"


def test_what_is_as_it_was_stored_stays(server: Client) -> None:
    instance = server.post("/instances", FILE).json["ID"]
    key = stored_object(server.backend, instance).key
    for overwrite, file, expected in (
        (NEVER, FILE, "AlreadyStored"),
        (NEVER, OTHER, "AlreadyStored"),
        (IF_CHANGED, FILE, "AlreadyStored"),  # although it was stored without an MD5
    ):
        with overwriting(server, overwrite):
            assert status(server, file) == expected
            assert stored_object(server.backend, instance).key == key
            assert_stored(server, instance, FILE)
    with overwriting(server, IF_CHANGED):
        assert status(server, OTHER) == "Success"
        assert_stored(server, instance, OTHER)
        assert status(server, OTHER) == "AlreadyStored"  # by its MD5


def as_earlier(client: Client, md5: str) -> None:
    """Let the index be as an earlier version has left it."""
    with closing(sqlite3.connect(client.folder / "index.db")) as raw:
        raw.execute("UPDATE resource SET crc32 = NULL, md5 = ? WHERE level = 3", (md5,))
        raw.commit()


@pytest.mark.parametrize("overwrite", [NEVER, IF_CHANGED])
@pytest.mark.parametrize("damaged", [*OF_SIZE, "missing", "flipped at 0.7"])
def test_what_earlier_versions_stored_is_mended_by_its_md5(
    client: Client, overwrite: OverwriteInstances, damaged: str
) -> None:
    with overwriting(client, IF_CHANGED):
        instance = client.post("/instances", FILE).json["ID"]
    resource = client.backend.index.catalogue.get(Level.INSTANCE, instance)
    assert resource is not None
    as_earlier(client, resource.md5)
    with overwriting(client, overwrite):
        assert status(client, FILE) == "AlreadyStored"
        damage(client.backend, instance, DAMAGES[damaged])
        assert status(client, FILE) == "Success"
        assert_stored(client, instance, FILE)


@pytest.mark.parametrize("damaged", ["missing", "truncated", "flipped at 0.7"])
def test_a_job_that_met_damage_goes_on_when_it_is_mended(client: Client, damaged: str) -> None:
    instance = client.post("/instances", FILE).json["ID"]
    study = client.get(f"/instances/{instance}").json["ParentSeries"]
    damage(client.backend, instance, DAMAGES[damaged])
    answer = client.post(f"/series/{study}/modify", {"KeepSource": False})
    assert answer.status == 500
    assert status(client, FILE) == "Success"
    job = answer.headers["location"]
    assert client.post(f"{job}/resubmit").status == 200
    assert client.get(job).json["State"] == "Success"
    (product,) = client.get("/instances").json
    assert product != instance
    check_object(client.backend.objects, stored_object(client.backend, product))


def test_a_pinned_version_is_not_lost_when_another_file_mends(client: Client, runner: InlineRunner) -> None:
    instance = client.post("/instances", FILE).json["ID"]
    series = client.get(f"/instances/{instance}").json["ParentSeries"]
    runner.is_holding = True
    client.post(f"/series/{series}/modify", {"Asynchronous": True})
    damage(client.backend, instance, DAMAGES["truncated"])
    assert status(client, OTHER) == "Success"
    assert stored_bytes(client.backend, instance) == OTHER


@pytest.mark.parametrize("damaged", ["missing", "flipped at 0.7"])
def test_what_is_deleted_while_it_is_mended_is_stored_anew_or_gone(
    make_client: Callable[..., Client], damaged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    instance = client.post("/instances", FILE).json["ID"]
    damage(client.backend, instance, DAMAGES[damaged])
    objects = client.backend.objects
    put, done = objects.put, list[Any]()

    def deleted_before(key: str, data: bytes, **options: Any) -> Any:
        if not done:
            done.append(delete_resource(client.backend, Level.INSTANCE, instance))
        return put(key, data, **options)

    monkeypatch.setattr(objects, "put", deleted_before)
    assert status(client, FILE) == "Success"
    assert_stored(client, instance, FILE)
    client.delete(f"/instances/{instance}")
    assert client.stored_files() == set()
