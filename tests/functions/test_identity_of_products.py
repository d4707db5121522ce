"""Products belong where the request says: to that patient, to that study (spec 3.4, 4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dicomorph.model.settings import UnencodableText
from tests.support.api_client import Client
from tests.support.files_of_studies import files_of

DATA_URI = "data:application/octet-stream;base64,QUJD"


def merge(client: Client, target: dict[str, str], source: dict[str, str]) -> tuple[int, str]:
    answer = client.post(f"/studies/{target['ParentStudy']}/merge", {"Resources": [source["ID"]]})
    return answer.status, answer.json.get("TargetStudy", "")


@pytest.mark.parametrize("patient", [" LEADING", "TRAILING ", "A\\B", ""])
def test_a_patient_id_is_taken_over_as_it_is(client: Client, patient: str) -> None:
    target, source = client.upload(patient, 1, 1, 1), client.upload("OTHER", 2, 1, 1)
    assert merge(client, target, source) == (200, target["ParentStudy"])
    assert client.get("/studies").json == [target["ParentStudy"]]
    assert len(client.get("/instances").json) == 2


@pytest.mark.parametrize(("name", "status"), [("PatientID", 400), ("PatientName", 200)])
def test_a_patient_id_is_never_cut_short(make_client: Callable[..., Client], name: str, status: int) -> None:
    client = make_client(unencodable_text=UnencodableText.DROP)
    stored = client.upload("ONE", 1, 1, 1, SpecificCharacterSet="ISO_IR 100")
    body = {"Replace": {name: "ИД1"}, "Force": True}
    for path in (f"/instances/{stored['ID']}", f"/studies/{stored['ParentStudy']}"):
        assert client.post(f"{path}/modify", body).status == status
    assert client.get("/patients").json == [stored["ParentPatient"]]


@pytest.mark.parametrize("setting", UnencodableText)
def test_a_file_that_cannot_hold_the_patient_id_is_not_merged(
    make_client: Callable[..., Client], setting: UnencodableText
) -> None:
    client = make_client(unencodable_text=setting)
    target = client.upload("ИД1", 1, 1, 1, SpecificCharacterSet="ISO_IR 192")
    source = client.upload("OTHER", 2, 1, 1, SpecificCharacterSet="ISO_IR 100", SeriesDescription="Tête")
    assert merge(client, target, source)[0] == 400
    assert client.get("/studies").json == sorted([target["ParentStudy"], source["ParentStudy"]])


def test_a_value_that_looks_like_a_data_uri_is_copied_as_it_is(client: Client) -> None:
    target = client.upload("ONE", 1, 1, 1, StudyDescription=DATA_URI)
    assert merge(client, target, client.upload("TWO", 2, 1, 1))[0] == 200
    assert [item.StudyDescription for item in files_of(client, target["ParentStudy"])] == [DATA_URI] * 2


def test_a_study_is_split_off_with_the_text_of_the_request(client: Client) -> None:
    stored = client.upload("ONE", 1, 1, 1)
    body = {"Instances": [stored["ID"]], "Replace": {"PatientName": DATA_URI}}
    content = client.post(f"/studies/{stored['ParentStudy']}/split", body).json
    assert [str(item.PatientName) for item in files_of(client, content["TargetStudy"])] == [DATA_URI]
