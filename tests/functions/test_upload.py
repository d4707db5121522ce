"""POST /instances."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.settings import OverwriteInstances
from tests.dicom_factory import Element, encode, part10
from tests.support.api_client import Client, make_dicom

INSTANCE = orthanc_id("PAT", "1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1")


def test_an_upload_is_answered_with_its_place_in_the_hierarchy(client: Client) -> None:
    answer = client.post("/instances", make_dicom())
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json == {
        "ID": INSTANCE,
        "ParentPatient": orthanc_id("PAT"),
        "ParentStudy": orthanc_id("PAT", "1.2.3.1"),
        "ParentSeries": orthanc_id("PAT", "1.2.3.1", "1.2.3.1.1"),
        "Path": f"/instances/{INSTANCE}",
        "Status": "Success",
    }
    assert list(answer.json) == sorted(answer.json)


def test_what_was_uploaded_can_be_downloaded(client: Client) -> None:
    data = make_dicom()
    client.post("/instances", data)
    answer = client.get(f"/instances/{INSTANCE}/file")
    assert answer.body == data
    assert answer.headers["content-type"] == "application/dicom"
    assert answer.headers["content-disposition"] == f'filename="{INSTANCE}.dcm"'


def test_a_second_upload_is_not_stored(client: Client) -> None:
    client.post("/instances", make_dicom())
    before = client.stored_files()
    again = client.post("/instances", make_dicom(PatientSex="F"))
    assert (again.status, again.json["Status"]) == (200, "AlreadyStored")
    assert client.stored_files() == before
    assert client.get(f"/instances/{INSTANCE}/file").body == make_dicom()


def test_an_overwriting_server_replaces_the_file_and_forgets_labels(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(overwrite_instances=OverwriteInstances.ALWAYS)
    client.post("/instances", make_dicom())
    client.put(f"/instances/{INSTANCE}/labels/seen")
    newer = make_dicom(PatientSex="F")
    assert client.post("/instances", newer).json["Status"] == "Success"
    assert client.get(f"/instances/{INSTANCE}/file").body == newer
    assert client.get(f"/instances/{INSTANCE}/labels").json == []
    assert len(client.stored_files()) == 1


def test_a_server_that_overwrites_what_changed_compares_the_files(make_client: Callable[..., Client]) -> None:
    client = make_client(overwrite_instances=OverwriteInstances.IF_CHANGED)
    client.post("/instances", make_dicom())
    assert client.post("/instances", make_dicom()).json["Status"] == "AlreadyStored"
    assert client.post("/instances", make_dicom(PatientSex="F")).json["Status"] == "Success"
    assert len(client.stored_files()) == 1


def test_a_file_may_come_as_gzip(client: Client) -> None:
    data = make_dicom()
    answer = client.post("/instances", gzip.compress(data), headers={"Content-Encoding": "gzip"})
    assert answer.json["Status"] == "Success"
    assert client.get(f"/instances/{INSTANCE}/file").body == data


def test_a_file_without_preamble_and_meta_header_is_accepted(client: Client) -> None:
    data = make_dicom()
    group_2_length = int.from_bytes(data[140:144], "little")
    answer = client.post("/instances", data[144 + group_2_length :])
    assert (answer.status, answer.json["ID"]) == (200, INSTANCE)


def test_a_large_file_goes_past_the_event_both_ways(client: Client, tmp_path: Path) -> None:
    data = make_dicom(PixelData=bytes(client.backend.largest_answer), BitsAllocated=8)
    spooled = tmp_path / "spooled"
    spooled.write_bytes(data)
    assert client.post("/instances", bodyPath=str(spooled)).json["Status"] == "Success"
    answer = client.get(f"/instances/{INSTANCE}/file")
    assert answer.status == 303
    assert answer.headers["content-disposition"] == f'filename="{INSTANCE}.dcm"'
    assert Path(answer.headers["location"].removeprefix("file://")).read_bytes() == data


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DICM",
        b"nope" * 1000,
        make_dicom()[:200],
        b'{"Replace":{}}',
        b"PK\x03\x04zip",
    ],
    ids=["empty", "4 bytes", "text", "truncated", "json", "zip"],
)
def test_what_is_not_dicom_is_refused_and_leaves_nothing(
    client: Client,
    tmp_path: Path,
    data: bytes,
    spooled: bool,  # noqa: FBT001
) -> None:
    if spooled:
        (tmp_path / "spooled").write_bytes(data)
        answer = client.post("/instances", bodyPath=str(tmp_path / "spooled"))
    else:
        answer = client.post("/instances", data)
    assert answer.error == (400, 15)
    assert client.stored_files() == set()
    assert client.get("/instances").json == []


def test_a_missing_uid_and_an_empty_one_differ(client: Client) -> None:
    assert client.post("/instances", make_dicom(SeriesInstanceUID="")).error == (400, 15)
    assert client.post("/instances", make_dicom_without_series()).error == (404, 21)
    assert client.stored_files() == set()


def test_a_directory_of_a_disc_is_no_instance_and_leaves_nothing(client: Client) -> None:
    record = [Element(0x00041430, "CS", "PATIENT"), Element(0x00100010, "PN", "Doe^Jane")]
    directory = [Element(0x00041130, "CS", "DOE"), Element(0x00041220, "SQ", [record])]
    answer = client.post("/instances", part10(encode(directory)))
    assert answer.error == (404, 21), "it has no identifiers at its top level"
    assert b"Doe" not in answer.body
    assert client.stored_files() == set()


def make_dicom_without_series() -> bytes:
    data = make_dicom()
    tag = b"\x20\x00\x0e\x00UI"
    start = data.index(tag)
    return data[:start] + data[start + 8 + int.from_bytes(data[start + 6 : start + 8], "little") :]


def test_a_file_truncated_anywhere_is_refused_or_stored_whole(client: Client) -> None:
    data = make_dicom()
    for length in range(0, len(data), 7):
        answer = client.post("/instances", data[:length])
        assert answer.status in (200, 400, 404), length
        if answer.status == 200:
            assert client.get(f"{answer.json['Path']}/file").body == data[:length]
            assert client.delete(answer.json["Path"]).status == 200
    assert client.stored_files() == set()
