"""What a server does that has no more room, or is sent more than it takes: it says so and changes nothing."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.model.errors import StorageFullError, TooLargeBodyError
from dicomorph.services.store.incoming import check_body_size, check_upload
from tests.dicom_factory import CT_IMAGE_STORAGE, DEFLATED, EXPLICIT, Element, encode, part10, uid
from tests.support.api_client import Answer, Client

MIB = 1 << 20
Make = Callable[..., Client]


def image(number: int, size: int, syntax: str = EXPLICIT) -> bytes:
    """Return a file of a patient with one study, with so many bytes that do not compress."""
    body = [
        Element(0x00080016, "UI", CT_IMAGE_STORAGE),
        Element(0x00080018, "UI", uid(1, 1, 1, number)),
        Element(0x00100020, "LO", "P1"),
        Element(0x0020000D, "UI", uid(1, 1)),
        Element(0x0020000E, "UI", uid(1, 1, 1)),
        Element(0x7FE00010, "OW", random.Random(number).randbytes(size)),  # noqa: S311 - the same at every run
    ]
    return part10(encode(body), syntax, instance=uid(1, 1, 1, number))


def sent(client: Client, data: bytes, way: str, folder: Path) -> Answer:
    """Upload in the event, past it, or as gzip in either way."""
    headers = {"Content-Encoding": "gzip"} if "gzip" in way else {}
    body = gzip.compress(data, 1) if headers else data
    if "file" not in way:
        return client.post("/instances", body, headers=headers)
    (folder / "body").write_bytes(body)
    return client.post("/instances", headers=headers, bodyPath=str(folder / "body"))


WAYS = ["event", "file", "gzip", "gzip file"]


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_beyond_the_quota_is_507_until_there_is_room(
    make_client: Make, tmp_path: Path, way: str
) -> None:
    client = make_client(maximum_storage_size=14)
    for number in (1, 2):
        assert sent(client, image(number, 5 * MIB), way, tmp_path).status == 200
    before = client.stored_files(), client.get("/statistics").json
    client = make_client(maximum_storage_size=14)  # a restart
    answer = sent(client, image(3, 5 * MIB), way, tmp_path)
    assert answer.error == (507, 19)
    assert (client.stored_files(), client.get("/statistics").json) == before
    client.delete(f"/instances/{client.get('/instances').json[0]}")
    assert sent(client, image(3, 5 * MIB), way, tmp_path).status == 200
    assert client.get("/statistics").json["CountInstances"] == 2


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_to_a_disk_that_must_stay_free_is_507(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    full = SimpleNamespace(f_bavail=100_000, f_blocks=25 << 20, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _folder: full)
    assert sent(client, image(1, 5 * MIB), way, tmp_path).error == (507, 19)
    assert not client.stored_files()


@pytest.mark.parametrize("deed", ["anonymize", "modify"])
@pytest.mark.parametrize("size", [100_000, 9 * MIB])  # written from memory, and by ranges
@pytest.mark.parametrize("room", [0, 2])
def test_products_count_as_uploads_do_and_the_job_says_so(
    make_client: Make, deed: str, size: int, room: int
) -> None:
    quota = 3 if size < MIB else 30
    client = make_client(maximum_storage_size=0)
    number = quota * MIB // len(image(1, size)) - room
    for one in range(number):
        assert client.post("/instances", image(one + 1, size)).status == 200
    sources = client.stored_files()
    [study] = client.get("/studies").json
    client = make_client(maximum_storage_size=quota)
    answer = client.post(
        f"/studies/{study}/{deed}", {"Replace": {"StudyDescription": "x"}, "Permissive": room > 0}
    )
    [job] = client.get("/jobs").json
    shown = client.get(f"/jobs/{job}").json
    made = min(room, number)
    assert shown["Content"]["FailedInstancesCount"] == number - made
    assert client.get("/statistics").json["CountInstances"] == number + made
    assert len(client.stored_files()) == number + made
    assert sources <= client.stored_files()
    if not made:
        assert answer.status == 507
        assert shown["ErrorCode"] == 19
        assert "MaximumStorageSize" in shown["ErrorDetails"]


def test_a_larger_body_than_is_allowed_is_413(make_client: Make, tmp_path: Path) -> None:
    client = make_client(maximum_body_size=1)
    assert sent(client, image(1, MIB - 2000), "event", tmp_path).status == 200
    for way in ("event", "file"):
        assert sent(client, image(2, MIB), way, tmp_path).error == (413, 8)
    study = client.get("/studies").json[0]
    too_large = {"Replace": {"PatientID": "x" * MIB}}
    for route in (f"/studies/{study}/anonymize", "/tools/bulk-modify", "/tools/bulk-content"):
        assert client.post(route, too_large).error == (413, 8)
    assert client.get("/statistics").json["CountInstances"] == 1
    assert not client.get("/jobs").json


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["deflated", "gzip"])
def test_what_inflates_beyond_the_setting_is_400_and_stored_nowhere(
    request: pytest.FixtureRequest, tmp_path: Path, deployment: str, way: str, kind: str
) -> None:
    client = request.getfixturevalue(deployment)
    scratch: FileScratch = client.backend.objects.scratch
    scratch.largest_inflated = 2 * MIB
    if kind == "gzip":
        way = f"gzip {way}"
    fits, not_ = (image(1, size, DEFLATED if kind == "deflated" else EXPLICIT) for size in (MIB, 3 * MIB))
    if "gzip" in way and kind == "deflated":
        way = way.replace("gzip", "")  # both limits are one
    assert sent(client, not_, way, tmp_path).error == (400, 15)
    assert not client.stored_files()
    assert sent(client, fits, way, tmp_path).status == 200


@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_a_deflated_file_is_the_same_to_all_who_use_it(
    request: pytest.FixtureRequest, deployment: str
) -> None:
    client = request.getfixturevalue(deployment)
    data = image(1, 5 * MIB, DEFLATED)
    assert client.post("/instances", bodyPath=_spooled(client, data)).status == 200
    [instance] = client.get("/instances").json
    [study] = client.get("/studies").json
    assert client.get(f"/instances/{instance}/simplified-tags").json["PatientID"] == "P1"
    answer = client.post(f"/studies/{study}/modify", {"Replace": {"StudyDescription": "x"}})
    assert answer.status == 200, answer.body
    [product] = set(client.get("/instances").json) - {instance}
    tags = client.get(f"/instances/{product}/simplified-tags").json
    assert (tags["StudyDescription"], tags["PixelData"]) == ("x", None)


def _spooled(client: Client, data: bytes) -> str:
    path = client.folder / "spooled"
    path.write_bytes(data)
    return str(path)


def test_a_body_is_judged_by_the_size_that_is_declared(make_client: Make) -> None:
    backend = make_client(maximum_body_size=2, maximum_storage_size=1).backend
    check_body_size(backend, 2 * MIB)
    check_upload(backend, MIB)
    with pytest.raises(TooLargeBodyError):
        check_body_size(backend, 2 * MIB + 1)
    with pytest.raises(TooLargeBodyError):
        check_upload(backend, 2 * MIB + 1)
    with pytest.raises(StorageFullError):
        check_upload(backend, MIB + 1)
    unlimited = replace(backend, settings=replace(backend.settings, maximum_body_size=0))
    check_body_size(unlimited, 1 << 50)
