"""Stored files that are damaged or missing, read by each route, on both deployments."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.model.errors import CorruptedFileError
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.damage import check_object
from tests.support.api_client import Answer, Client
from tests.support.damage import MISSING, OF_SIZE, Damage, damage, flipped, stored_bytes, stored_object
from tests.support.jobs import IN_PLACE

READERS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "file": ("GET", "/instances/{id}/file", None),
    "tags": ("GET", "/instances/{id}/tags", None),
    "tags behind the pixel data": ("GET", "/instances/{id}/tags?whole", None),
    "simplified-tags": ("GET", "/instances/{id}/simplified-tags", None),
    "anonymize": ("POST", "/instances/{id}/anonymize", {}),
    "modify": ("POST", "/instances/{id}/modify", {"Replace": {"PatientName": "A"}}),
    "a merge into it": ("POST", "/studies/{study}/merge", {"Resources": ["{other}"]}),
}
REPLACING: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "modified": ("POST", "/studies/{study}/modify", {"KeepSource": False}),
    "anonymized": ("POST", "/studies/{study}/anonymize", {"KeepSource": False}),
    "in bulk": ("POST", "/tools/bulk-anonymize", {"Resources": ["{study}"], "KeepSource": False}),
    "split": ("POST", "/studies/{study}/split", {"Series": ["{series}"]}),
    "merged": ("POST", "/studies/{other}/merge", {"Resources": ["{study}"]}),
}
JOBS = {**REPLACING, "kept": ("POST", "/studies/{study}/anonymize", {"KeepSource": True})}
DAMAGES: dict[str, tuple[Damage, int]] = {
    **{name: (how, 20) for name, how in OF_SIZE.items()},
    "missing": (MISSING, 13),
}
POSITIONS = {"preamble": 0.0, "header": 0.2, "pixels": 0.7, "tail": 1.0}
FLIPS: dict[str, tuple[Damage, int]] = {
    f"a bit of the {name}": (flipped(position), 20) for name, position in POSITIONS.items()
}


@pytest.fixture(params=["embedded", "aws"])
def server(request: pytest.FixtureRequest) -> Client:
    found: Client = request.getfixturevalue("client" if request.param == "embedded" else "aws_client")
    return found


def ask(server: Client, reader: tuple[str, str, dict[str, Any] | None], *uploads: dict[str, Any]) -> Answer:
    """Let one route read the first upload; the last one belongs to another study."""
    method, path, body = reader
    ids = {
        "id": uploads[0]["ID"],
        "series": uploads[0]["ParentSeries"],
        "study": uploads[0]["ParentStudy"],
        "other": uploads[-1]["ParentStudy"],
    }
    filled = {
        name: [one.format_map(ids) for one in value] if isinstance(value, list) else value
        for name, value in (body or {}).items()
    }
    path, _, query = path.format_map(ids).partition("?")
    return server.call(method, path, b"" if body is None else filled, query={query: "1"} if query else None)


def uploaded(server: Client, *, study: int = 1, instances: int = 2) -> list[dict[str, Any]]:
    """Store instances of a study, and one of another one."""
    pixels = {"PixelData": bytes(range(256)) * 8, "BitsAllocated": 8}
    wanted = [(study, number) for number in range(1, instances + 1)] + [(study + 1, 1)]
    return [server.upload("PAT", one, 1, number, **pixels) for one, number in wanted]


def test_a_damaged_file_is_no_answer(server: Client) -> None:
    other = uploaded(server, study=50, instances=0)[0]
    for study, (name, (how, code)) in enumerate(DAMAGES.items(), 1):
        upload = server.upload("PAT", study)
        damage(server.backend, upload["ID"], how)
        before = server.stored_files()
        for reader, request in READERS.items():
            assert ask(server, request, upload, other).error == (500, code), (name, reader)
        assert server.stored_files() == before
        assert server.get(f"/instances/{upload['ID']}").status == 200


@pytest.mark.parametrize("damaged", DAMAGES)
def test_a_large_damaged_file_has_no_link(server: Client, damaged: str) -> None:
    bootstrap.use_backend(replace(server.backend, largest_answer=100))
    upload = server.upload()
    assert server.get(f"/instances/{upload['ID']}/file").status == 303
    how, code = DAMAGES[damaged]
    damage(server.backend, upload["ID"], how)
    assert server.get(f"/instances/{upload['ID']}/file").error == (500, code)
    assert server.post(f"/instances/{upload['ID']}/anonymize", {}).error == (500, code)


def assert_one_fails(
    server: Client, route: tuple[str, str, dict[str, Any] | None], how: Damage, code: int
) -> None:
    """Check that of a job on two instances, of which one is damaged, that one fails, and no source goes."""
    uploads = uploaded(server)
    victim = uploads[0]["ID"]
    damage(server.backend, victim, how)
    answer = ask(server, route, *uploads)
    assert answer.error == (500, code)
    assert answer.json["ErrorPayload"]["FailedInstance"] == victim
    job = server.get(answer.headers["location"]).json
    assert job["ErrorCode"] == code
    assert [(one["ID"], one["ErrorCode"]) for one in job["Content"]["FailedInstances"]] == [(victim, code)]
    products = set(server.get("/instances").json) - {upload["ID"] for upload in uploads}
    assert len(products) == 1  # of the other instance of the study
    assert job["Content"]["Products"]["Resources"] == sorted(products)
    assert set(server.get("/instances").json) == {*products, *(upload["ID"] for upload in uploads)}
    assert len(server.stored_files()) == (3 if how is MISSING else 4)
    for patient in server.get("/patients").json:
        server.delete(f"/patients/{patient}")


@pytest.mark.parametrize("route", JOBS)
def test_a_job_names_the_instance_whose_file_is_damaged(client: Client, route: str) -> None:
    for how, code in DAMAGES.values():
        assert_one_fails(client, JOBS[route], how, code)


@pytest.mark.parametrize("route", REPLACING)
def test_no_source_goes_that_is_not_what_was_stored(client: Client, route: str) -> None:
    for how, code in FLIPS.values():
        assert_one_fails(client, REPLACING[route], how, code)


@pytest.mark.parametrize(
    ("route", "damaged"),
    [
        ("modified", "a bit of the pixels"),
        ("merged", "missing"),
        *(
            pytest.param(route, damaged, marks=pytest.mark.slow)
            for route in REPLACING
            for damaged in {**DAMAGES, **FLIPS}
        ),
    ],
)
def test_so_it_is_on_aws(aws_client: Client, route: str, damaged: str) -> None:
    assert_one_fails(aws_client, REPLACING[route], *{**DAMAGES, **FLIPS}[damaged])


def assert_a_large_one_fails(server: Client) -> None:
    upload = server.upload(PixelData=bytes(9 << 20), BitsAllocated=8)
    damage(server.backend, upload["ID"], flipped(0.7))
    assert server.post(f"/studies/{upload['ParentStudy']}/modify", {"KeepSource": False}).error == (500, 20)
    assert server.get("/instances").json == [upload["ID"]]
    assert len(server.stored_files()) == 1


def test_so_it_is_with_a_file_that_the_kernel_copies(client: Client) -> None:
    assert_a_large_one_fails(client)


@pytest.mark.slow
def test_so_it_is_with_a_file_of_several_parts_on_s3(aws_client: Client) -> None:
    assert_a_large_one_fails(aws_client)


def test_what_cannot_be_read_since_a_bit_has_flipped_is_the_fault_of_the_store(server: Client) -> None:
    uploads = uploaded(server)
    whole = stored_bytes(server.backend, uploads[0]["ID"])
    length = whole.index(b"\x10\0\x20\0LO") + 7  # of the PatientID: its high byte
    damage(server.backend, uploads[0]["ID"], lambda data: data[:length] + b"\xff" + data[length + 1 :])
    for reader in ("tags", "simplified-tags", "anonymize", "modify"):
        assert ask(server, READERS[reader], *uploads).error == (500, 20), reader
    assert ask(server, JOBS["kept"], *uploads).error == (500, 20)


@pytest.mark.parametrize("damaged", [*OF_SIZE, *FLIPS])
def test_a_damaged_source_is_not_replaced_in_its_place(
    make_client: Callable[..., Client], damaged: str
) -> None:
    server = make_client(overwrite_instances=OverwriteInstances.ALWAYS)
    uploads = uploaded(server)
    victim = uploads[0]["ID"]
    how = {**DAMAGES, **FLIPS}[damaged][0]
    whole = stored_bytes(server.backend, victim)
    damage(server.backend, victim, how)
    path = server.folder / "objects" / stored_object(server.backend, victim).key
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    assert server.post(f"/studies/{uploads[0]['ParentStudy']}/modify", body).error == (500, 20)
    assert path.read_bytes() == how(whole)
    assert stored_object(server.backend, victim).size == len(whole)
    assert b"New" in stored_bytes(server.backend, uploads[1]["ID"])


def test_what_earlier_versions_stored_is_edited_as_before(client: Client) -> None:
    uploads = uploaded(client)
    forget_checksums(client)
    answer = ask(client, REPLACING["modified"], *uploads)
    assert (answer.status, len(client.get("/instances").json)) == (200, 3)
    for one in client.get("/instances").json[:2]:
        check_object(client.backend.objects, stored_object(client.backend, one))


def forget_checksums(client: Client) -> None:
    """Let the index be as an earlier version has left it."""
    with closing(sqlite3.connect(client.folder / "index.db")) as raw:
        raw.execute("UPDATE resource SET crc32 = NULL")
        raw.commit()


@pytest.mark.parametrize("body", [{}, {"KeepSource": False}], ids=["keeping", "replacing"])
@pytest.mark.parametrize("megabytes", [0, 2, 9], ids=["small", "mapped", "copied by the kernel"])
def test_each_product_has_the_checksum_of_its_bytes(
    client: Client, megabytes: int, body: dict[str, Any]
) -> None:
    pixels = bytes(range(256)) * (4096 * megabytes + 8)
    upload = client.upload(PixelData=pixels, BitsAllocated=8)
    client.post(f"/studies/{upload['ParentStudy']}/anonymize", body)
    products = [one for one in client.get("/instances").json if one != upload["ID"]]
    assert len(products) == 1
    ref = stored_object(client.backend, products[0])
    assert ref.crc32 == zlib.crc32(stored_bytes(client.backend, products[0]))


def test_a_product_of_a_damaged_source_that_stays_is_known_for_it(client: Client) -> None:
    upload = client.upload(PixelData=bytes(100_000), BitsAllocated=8)
    damage(client.backend, upload["ID"], flipped(0.7))
    assert client.post(f"/studies/{upload['ParentStudy']}/anonymize", {}).status == 200
    (product,) = [one for one in client.get("/instances").json if one != upload["ID"]]
    with pytest.raises(CorruptedFileError):
        check_object(client.backend.objects, stored_object(client.backend, product))
