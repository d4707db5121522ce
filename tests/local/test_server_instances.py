"""Storing, browsing, deleting and editing single instances through the real server."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

LEVELS = ("patients", "studies", "series", "instances")


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def large_image(study: list[Path], megabytes: int) -> bytes:
    dataset = pydicom.dcmread(study[0])
    dataset.Rows, dataset.Columns = 1024, megabytes * 512
    dataset.PixelData = os.urandom(1 << 20) * megabytes
    return written(dataset)


def written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_an_uploaded_study_can_be_browsed(server: Any, study: list[Path]) -> None:
    stored = [server.upload(file) for file in study]
    assert {answer["Status"] for answer in stored} == {"Success"}
    assert server.counts() == (1, 1, 2, 6)
    assert server.upload(study[0])["Status"] == "AlreadyStored"
    for level, count in zip(LEVELS, server.counts(), strict=True):
        assert len(server.get(f"/{level}").json) == count
        assert {r["ID"] for r in server.get(f"/{level}?expand").json} == set(server.get(f"/{level}").json)
    assert server.get(f"{stored[0]['Path']}/file").body == study[0].read_bytes()
    assert server.get(f"{stored[0]['Path']}/simplified-tags").json["PatientName"] == "Doe^John"
    assert server.get(f"{stored[0]['Path']}/tags").json["0010,0010"]["Value"] == "Doe^John"
    patient = server.get(f"{stored[0]['Path']}/patient").json
    assert patient["ID"] == stored[0]["ParentPatient"]
    assert len(server.get(f"/patients/{patient['ID']}/instances").json) == 6


def test_an_anonymized_copy_has_no_identity_and_the_same_pixels(server: Any, study: list[Path]) -> None:
    stored = server.upload(study[0])
    answer = server.post(f"{stored['Path']}/anonymize", "{}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/dicom")
    before, after = pydicom.dcmread(study[0]), read(answer.body)
    assert str(after.PatientName).startswith("Anonymized")
    assert after.PatientID != before.PatientID
    assert after.StudyInstanceUID != before.StudyInstanceUID
    assert after.PatientIdentityRemoved == "YES"
    assert not [element for element in after.iterall() if element.tag.is_private]
    assert b"Doe^John" not in answer.body
    assert b"EXAMPLE-1" not in answer.body
    assert after.PixelData == before.PixelData
    assert server.counts() == (1, 1, 1, 1)


def test_a_modified_copy_has_what_was_asked_for(server: Any, study: list[Path]) -> None:
    stored = server.upload(study[0])
    body = {
        "Replace": {"StudyDescription": "Größe"},
        "Remove": ["InstitutionName"],
        "RemovePrivateTags": True,
    }
    after = read(server.post(f"{stored['Path']}/modify", body).body)
    assert after.StudyDescription == "Größe"
    assert "InstitutionName" not in after
    assert not [element for element in after if element.tag.is_private]
    assert after.PatientName == "Doe^John"


def test_a_file_beyond_the_limits_of_the_gateway_goes_both_ways(server: Any, study: list[Path]) -> None:
    data = large_image(study, 12)
    answer = server.post("/instances", data)
    assert answer.json["Status"] == "Success"
    file = server.get(f"{answer.json['Path']}/file")
    assert (file.status, file.headers["Content-Type"], file.body) == (200, "application/dicom", data)
    assert "Location" not in file.headers
    edited = server.post(f"{answer.json['Path']}/anonymize", "{}")
    assert (edited.status, edited.headers["Content-Type"]) == (200, "application/dicom")
    assert read(edited.body).PixelData == read(data).PixelData
    assert list((server.data / "objects").glob("results/*")) == []
    assert list((server.data / "spool").iterdir()) == []


def test_any_name_of_a_data_folder_serves(
    tmp_path: Path, make_server: Callable[..., Any], study: list[Path]
) -> None:
    (tmp_path / "real %41 ü").mkdir()
    data = tmp_path / "link #1?"
    data.symlink_to(tmp_path / "real %41 ü")
    (tmp_path / "beside").mkdir()
    server = make_server(folder=f"beside/../{data.name}")
    image = large_image(study, 1)
    path = server.post("/instances", image).json["Path"]
    assert server.get(f"{path}/file").body == image
    assert read(server.post(f"{path}/anonymize", "{}").body).PatientIdentityRemoved == "YES"


@pytest.mark.parametrize("route", ["anonymize", "modify"])
def test_pixels_of_a_large_copy_are_sent_out_of_the_original(
    server: Any, study: list[Path], route: str
) -> None:
    data = large_image(study, 17)
    stored = server.post("/instances", data).json
    path = f"/instances/{stored['ID']}/{route}"
    answers = [server.post(path, {"Replace": {"PatientName": "Someone^Else"}}) for _ in range(2)]
    for answer in answers:
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        copy = read(answer.body)
        assert str(copy.PatientName) == "Someone^Else"
        assert copy.PixelData == read(data).PixelData
    assert not list((server.data / "objects" / "results").glob("*"))
    server.call("DELETE", f"/instances/{stored['ID']}")
    assert server.post(path, {}).status == 404


def test_an_answer_beyond_the_limits_of_lambda_is_given_in_one_piece(server: Any, study: list[Path]) -> None:
    dataset = pydicom.dcmread(study[0])
    dataset.add_new("SelectorUTValue", "UT", "é" * 3_100_000)
    stored = server.post("/instances", written(dataset)).json
    answer = server.get(f"{stored['Path']}/simplified-tags?ignore-length=SelectorUTValue")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert answer.json["SelectorUTValue"] == "é" * 3_100_000
    assert list((server.data / "objects").glob("results/*")) == []


def test_deletion_names_the_lowest_ancestor_that_is_left(server: Any, study: list[Path]) -> None:
    stored = [server.upload(file) for file in study]
    first = server.call("DELETE", stored[0]["Path"]).json["RemainingAncestor"]
    assert (first["Type"], first["ID"]) == ("Series", stored[0]["ParentSeries"])
    last = server.call("DELETE", f"/studies/{stored[0]['ParentStudy']}").json
    assert last == {"RemainingAncestor": None}
    assert server.counts() == (0, 0, 0, 0)
    assert [f for f in (server.data / "objects").rglob("*.dcm") if f.is_file()] == []


def test_metadata_and_labels_can_be_written(server: Any, study: list[Path]) -> None:
    path = f"/studies/{server.upload(study[0])['ParentStudy']}"
    assert server.call("PUT", f"{path}/labels/checked").status == 200
    assert server.get(f"{path}/labels").json == ["checked"]
    assert server.call("DELETE", f"{path}/labels/checked").status == 200
    assert server.get(path).json["Labels"] == []
    assert server.call("PUT", f"{path}/metadata/1024", b"mine").status == 200
    assert server.get(f"{path}/metadata/1024").body == b"mine"
    assert "LastUpdate" in server.get(f"{path}/metadata?expand").json


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, 15),
        (b"not dicom at all", 400, 15),
        (b"\0" * 128 + b"DICM", 404, 21),
        (b"\0" * 128 + b"DICM" + b"\x08\x00\x05\x00OB\0\0\xff\xff\xff\x7f", 400, 15),
        (os.urandom(5 << 20), 400, 15),
    ],
)
def test_what_is_not_dicom_is_refused(server: Any, body: bytes, status: int, code: int) -> None:
    answer = server.post("/instances", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (status, code)
    assert server.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.999])
def test_a_file_cut_short_is_refused_or_kept_as_it_is(server: Any, study: list[Path], share: float) -> None:
    data = study[0].read_bytes()
    cut = data[: int(len(data) * share)]
    answer = server.post("/instances", cut)
    if answer.status == 200:  # the pixel data is not read at an upload
        assert server.get(f"{answer.json['Path']}/file").body == cut
    else:
        assert answer.json["OrthancStatus"] in (15, 21)
        assert server.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 15),
        (b"[]", 15),
        (b'"text"', 15),
        (b"null", 15),
        (b"{", 15),
        (b"[" * 100_000, 15),
        (b"\xff\xfe", 15),
        (b'{"Replace": []}', 8),
        (b'{"Keep": "StudyDate"}', 8),
        (b'{"Remove": [1]}', 8),
        (b'{"Replace": {"InstanceNumber": 3}}', 5),
        (b'{"Force": "yes"}', 15),
        (b'{"Keep": ["StudyInstanceUID"]}', 8),
        (b'{"DicomVersion": "1999"}', 3),
    ],
)
@pytest.mark.parametrize("path", ["instances", "studies"])
def test_a_hostile_request_is_refused_and_changes_nothing(
    server: Any, study: list[Path], path: str, body: bytes, code: int
) -> None:
    stored = server.upload(study[0])
    before = (server.counts(), len(server.get("/jobs").json))
    target = stored["Path"] if path == "instances" else f"/studies/{stored['ParentStudy']}"
    answer = server.post(f"{target}/anonymize", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, code)
    assert (server.counts(), len(server.get("/jobs").json)) == before


@pytest.mark.parametrize(
    "path", ["/instances/nope/anonymize", "/studies/nope/anonymize", "/patients/nope/modify"]
)
def test_an_unknown_resource_cannot_be_edited(server: Any, path: str) -> None:
    answer = server.post(path, "{}")
    assert (answer.status, answer.json["OrthancStatus"]) == (404, 17)


@pytest.mark.parametrize("path", ["/studies/nope", "/instances/nope/file", "/jobs/nope"])
def test_an_unknown_resource_is_not_found(server: Any, path: str) -> None:
    assert server.get(path).status == 404
