"""Files whose PatientID is empty may be anybody's: a job does not make one patient of them."""

from __future__ import annotations

import pytest

from tests.support.api_client import Client


@pytest.mark.parametrize("route", ["bulk", "patient"])
def test_persons_without_a_patient_id_become_one_patient_a_study(client: Client, route: str) -> None:
    stored = [
        client.upload("", 1, 1, 1, PatientName="Doe^Jane"),
        client.upload("", 1, 1, 2, PatientName="Doe^Jane"),
        client.upload("", 2, 1, 1, PatientName="Roe^Richard"),
    ]
    assert len(client.get("/patients").json) == 1
    if route == "bulk":
        body = {"Resources": [upload["ID"] for upload in stored], "KeepSource": False}
        answer = client.post("/tools/bulk-anonymize", body)
    else:
        answer = client.post(f"/patients/{stored[0]['ParentPatient']}/anonymize", {"KeepSource": False})
    assert answer.status == 200
    patients = [client.get(f"/patients/{patient}").json for patient in client.get("/patients").json]
    assert len(patients) == 2
    assert {len(patient["MainDicomTags"]["PatientID"]) for patient in patients} == {36}
    assert len(client.get("/studies").json) == 2
    assert len(client.get("/instances").json) == 3


def test_frames_of_reference_that_are_empty_are_not_shared(client: Client) -> None:
    for number in (1, 2):
        client.upload(f"P{number}", number, FrameOfReferenceUID="")
    body = {"Resources": client.get("/studies").json, "KeepSource": False}
    assert client.post("/tools/bulk-anonymize", body).status == 200
    for instance in client.get("/instances").json:
        assert client.get(f"/instances/{instance}/simplified-tags").json["FrameOfReferenceUID"] == ""
