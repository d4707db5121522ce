"""Lists, single resources and relatives."""

import json

import pytest

from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.resources import Level, LevelFacts
from tests import dicom_factory
from tests.support.api_client import Client, Clock

LEVELS = ("patients", "studies", "series", "instances")


@pytest.fixture
def study(client: Client) -> list[dict[str, str]]:
    """Two series, of one and of two instances."""
    return [client.upload("PAT", 1, 1, 1), client.upload("PAT", 1, 2, 1), client.upload("PAT", 1, 2, 2)]


def test_lists_hold_identifiers_unless_expanded(client: Client, study: list[dict[str, str]]) -> None:
    assert client.get("/patients").json == [study[0]["ParentPatient"]]
    assert client.get("/studies").json == [study[0]["ParentStudy"]]
    assert client.get("/series").json == sorted({s["ParentSeries"] for s in study})
    assert client.get("/instances").json == sorted(s["ID"] for s in study)
    assert [r["ID"] for r in client.get("/instances", query={"expand": ""}).json] == sorted(
        s["ID"] for s in study
    )
    assert client.get("/instances", query={"expand": "false"}).json == sorted(s["ID"] for s in study)


def test_lists_are_paged(client: Client, study: list[dict[str, str]]) -> None:
    every = sorted(s["ID"] for s in study)
    assert client.get("/instances", query={"since": "1", "limit": "1"}).json == every[1:2]
    assert client.get("/instances", query={"since": "1", "limit": "0"}).json == every[1:]
    assert client.get("/instances", query={"since": "9", "limit": "1"}).json == []
    assert client.get("/instances", query={"since": "1"}).error == (400, 8)
    assert client.get("/instances", query={"limit": "1"}).error == (400, 8)
    assert client.get("/instances", query={"since": "x", "limit": "1"}).error == (400, 15)


def test_a_patient(client: Client) -> None:
    uploaded = client.upload(PatientBirthDate="", PatientSex="F")
    patient = client.get(f"/patients/{uploaded['ParentPatient']}").json
    assert patient.pop("LastUpdate").startswith("20")
    assert patient == {
        "ID": uploaded["ParentPatient"],
        "IsProtected": False,
        "IsStable": False,
        "Labels": [],
        "MainDicomTags": {
            "PatientBirthDate": "",
            "PatientID": "PAT",
            "PatientName": "Doe^Jane",
            "PatientSex": "F",
        },
        "Studies": [uploaded["ParentStudy"]],
        "Type": "Patient",
    }


def test_a_study(client: Client) -> None:
    uploaded = client.upload(StudyDescription="Knee")
    study = client.get(f"/studies/{uploaded['ParentStudy']}").json
    assert study["MainDicomTags"] == {"StudyInstanceUID": "1.2.3.1", "StudyDescription": "Knee"}
    assert study["PatientMainDicomTags"] == {"PatientID": "PAT", "PatientName": "Doe^Jane"}
    assert study["ParentPatient"] == uploaded["ParentPatient"]
    assert study["Series"] == [uploaded["ParentSeries"]]
    assert study["Type"] == "Study"


def test_a_series(client: Client) -> None:
    uploaded = client.upload()
    series = client.get(f"/series/{uploaded['ParentSeries']}").json
    assert series["MainDicomTags"] == {"Modality": "CT", "SeriesInstanceUID": "1.2.3.1.1"}
    assert series["ParentStudy"] == uploaded["ParentStudy"]
    assert series["Instances"] == [uploaded["ID"]]
    assert (series["ExpectedNumberOfInstances"], series["Status"]) == (None, "Unknown")


def test_an_instance(client: Client) -> None:
    uploaded = client.upload()
    instance = client.get(uploaded["Path"]).json
    assert instance["MainDicomTags"] == {"InstanceNumber": "1", "SOPInstanceUID": "1.2.3.1.1.1"}
    assert instance["IndexInSeries"] == 1
    assert instance["FileSize"] == len(client.get(f"{uploaded['Path']}/file").body)
    assert len(instance["FileUuid"]) == 36
    assert instance["ParentSeries"] == uploaded["ParentSeries"]
    assert set(instance) == {
        *("FileSize", "FileUuid", "ID", "IndexInSeries", "Labels", "MainDicomTags", "ParentSeries", "Type"),
    }


@pytest.mark.parametrize(
    ("numbers", "status"),
    [((1,), "Missing"), ((1, 2), "Complete"), ((1, 3), "Inconsistent"), ((1, 2, 3), "Inconsistent")],
)
def test_a_series_tells_whether_it_is_complete(client: Client, numbers: tuple[int, ...], status: str) -> None:
    for number in numbers:
        uploaded = client.upload("PAT", 1, 1, number, CardiacNumberOfImages="2")
    series = client.get(f"/series/{uploaded['ParentSeries']}").json
    assert (series["ExpectedNumberOfInstances"], series["Status"]) == (2, status)


def test_a_sequence_among_the_main_tags_is_shown_as_items(client: Client) -> None:
    series_id = client.upload()["ParentSeries"]
    step = {"0040,0009": {"Name": "ScheduledProcedureStepID", "Type": "String", "Value": "STEP"}}
    sequence = {"0040,0275": {"Name": "RequestAttributesSequence", "Type": "Sequence", "Value": [step]}}
    text = json.dumps({"Sequences": sequence, "Version": 1})
    client.backend.index.annotations.refresh(
        Level.SERIES, series_id, LevelFacts({}, {"MainDicomSequences": text})
    )
    path = f"/series/{series_id}"
    tags = client.get(path).json["MainDicomTags"]
    assert tags["RequestAttributesSequence"] == [{"ScheduledProcedureStepID": "STEP"}]
    assert client.get(path, query={"short": ""}).json["MainDicomTags"]["0040,0275"] == [{"0040,0009": "STEP"}]
    assert client.get(path, query={"full": ""}).json["MainDicomTags"] == sequence


def test_main_tags_come_in_three_forms(client: Client) -> None:
    path = f"/patients/{client.upload()['ParentPatient']}"
    assert client.get(path, query={"short": ""}).json["MainDicomTags"]["0010,0020"] == "PAT"
    assert client.get(path, query={"full": ""}).json["MainDicomTags"]["0010,0020"] == {
        "Name": "PatientID",
        "Type": "String",
        "Value": "PAT",
    }
    assert client.get(path, query={"simplify": ""}).json["MainDicomTags"]["PatientID"] == "PAT"


def test_a_resource_becomes_stable(client: Client, clock: Clock) -> None:
    path = f"/studies/{client.upload()['ParentStudy']}"
    assert client.get(path).json["IsStable"] is False
    clock.advance(client.backend.settings.stable_age + 2)
    assert client.get(path).json["IsStable"] is True


def test_children_are_expanded_unless_asked_otherwise(client: Client, study: list[dict[str, str]]) -> None:
    patient, one, two = study[0]["ParentPatient"], study[0], study[1]
    assert [s["ID"] for s in client.get(f"/patients/{patient}/studies").json] == [one["ParentStudy"]]
    series = sorted((one["ParentSeries"], two["ParentSeries"]))
    assert client.get(f"/patients/{patient}/series", query={"expand": "false"}).json == series
    assert [s["ID"] for s in client.get(f"/studies/{one['ParentStudy']}/series").json] == series
    instances = sorted(s["ID"] for s in study)
    for parent in (f"/patients/{patient}", f"/studies/{one['ParentStudy']}"):
        assert [i["ID"] for i in client.get(f"{parent}/instances").json] == instances
    below = client.get(f"/series/{two['ParentSeries']}/instances", query={"expand": "0"}).json
    assert below == sorted((study[1]["ID"], study[2]["ID"]))


def test_parents(client: Client, study: list[dict[str, str]]) -> None:
    one = study[0]
    for below in (one["Path"], f"/series/{one['ParentSeries']}"):
        assert client.get(f"{below}/study").json["ID"] == one["ParentStudy"]
        assert client.get(f"{below}/patient").json["ID"] == one["ParentPatient"]
    assert client.get(f"{one['Path']}/series").json["Type"] == "Series"
    assert client.get(f"/studies/{one['ParentStudy']}/patient").json["Type"] == "Patient"


@pytest.mark.parametrize("level", LEVELS)
def test_an_unknown_resource_is_an_empty_404(client: Client, level: str) -> None:
    answer = client.get(f"/{level}/nope")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/patients/nope/studies",
            "/studies/nope/instances",
            "/series/nope/instances",
            "/instances/nope/patient",
        ),
        *("/instances/nope/file", "/instances/nope/tags", "/instances/nope/simplified-tags"),
    ],
)
def test_relatives_and_files_of_an_unknown_resource_are_a_404_with_an_error(
    client: Client, path: str
) -> None:
    assert client.get(path).error == (404, 17)


def test_a_resource_of_another_level_is_unknown(client: Client) -> None:
    uploaded = client.upload()
    assert client.get(f"/studies/{uploaded['ID']}").status == 404
    assert client.get(f"/studies/{uploaded['ParentPatient']}/instances").error == (404, 17)


def test_tags_come_in_three_forms(client: Client) -> None:
    path = client.upload()["Path"]
    assert client.get(f"{path}/tags").json["0010,0020"] == {
        "Name": "PatientID",
        "Type": "String",
        "Value": "PAT",
    }
    assert client.get(f"{path}/tags", query={"short": ""}).json["0010,0020"] == "PAT"
    assert client.get(f"{path}/tags", query={"simplify": ""}).json["PatientID"] == "PAT"
    assert client.get(f"{path}/simplified-tags").json["PatientID"] == "PAT"


def test_the_tags_of_a_damaged_file_are_shown_once_it_is_stored(client: Client) -> None:
    broken = [[dicom_factory.Element(0x00081155, "UI", "1.2")], [dicom_factory.Element(0x00100010, "PN", "")]]
    elements = [*dicom_factory.rich(), dicom_factory.Element(0x00402000, "SQ", broken)]
    body = dicom_factory.encode(sorted(elements, key=lambda element: element.tag))
    file = dicom_factory.part10(body.replace(b"\x08\x00\x55\x11UI\x04", b"\x08\x00\x55\x11UI\x05"))
    uploaded = client.post("/instances", file).json
    for query in ({}, {"whole": ""}):
        found = client.get(f"{uploaded['Path']}/tags", query=query)
        assert (found.status, found.json["0040,2000"]["Value"]) == (200, None)
        assert found.json["0010,0020"]["Value"] == "P1"
    assert client.get(f"{uploaded['Path']}/simplified-tags").json["PatientID"] == "P1"


def test_long_values_are_shown_when_asked_for(client: Client) -> None:
    path = client.upload(ImageComments="x" * 300)["Path"]
    assert client.get(f"{path}/tags").json["0020,4000"]["Type"] == "TooLong"
    shown = client.get(f"{path}/tags", query={"ignore-length": "PatientID,0020-4000"}).json["0020,4000"]
    assert shown["Value"] == "x" * 300
    assert client.get(f"{path}/tags", query={"ignore-length": "Nope"}).error == (400, 27)


def test_text_of_any_script_is_shown(client: Client) -> None:
    uploaded = client.upload(SpecificCharacterSet="ISO_IR 192", StudyDescription="Straße 検査")
    answer = client.get(f"/studies/{uploaded['ParentStudy']}")
    assert "Straße 検査".encode() in answer.body


def test_the_identifier_follows_the_default_encoding(client: Client) -> None:
    data_patient = "Zdeš"
    assert client.put("/tools/default-encoding", "Latin2").status == 200
    client.upload(data_patient.encode("iso8859_2").decode("latin-1"))
    assert client.get("/patients").json == [orthanc_id(data_patient)]
