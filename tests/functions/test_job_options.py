"""What the options of a job change in its products."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dicomorph.model.settings import OverwriteInstances
from tests.support.api_client import Client
from tests.support.jobs import IN_PLACE

NEW_DESCRIPTION = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}


def test_an_instance_edited_in_place_keeps_what_clients_wrote_about_it(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(overwrite_instances=OverwriteInstances.ALWAYS)
    stored = client.upload("PAT", 1, 1, 1)
    path = f"/instances/{stored['ID']}"
    assert client.call("PUT", f"{path}/labels/seen").status == 200
    assert client.call("PUT", f"{path}/metadata/1024", b"kept").status == 200
    assert client.post(f"/studies/{stored['ParentStudy']}/modify", NEW_DESCRIPTION).status == 200
    assert client.get(path).json["Labels"] == ["seen"]
    assert client.get(f"{path}/metadata/1024").body == b"kept"
    assert client.get(f"/studies/{stored['ParentStudy']}").json["MainDicomTags"]["StudyDescription"] == "New"
    assert len(client.get("/instances").json) == 1


@pytest.mark.parametrize("is_linked", [True, False])
def test_products_are_linked_to_their_sources_unless_that_is_switched_off(
    make_client: Callable[..., Client],
    is_linked: bool,  # noqa: FBT001
) -> None:
    client = make_client(store_anonymized_from=is_linked)
    study = client.upload("PAT", 1, 1, 1)["ParentStudy"]
    content = client.post(f"/studies/{study}/anonymize", {}).json
    for path in (f"/patients/{content['PatientID']}", content["Path"]):
        assert ("AnonymizedFrom" in client.get(path).json) is is_linked
    modified = client.post(f"/studies/{study}/modify", {}).json
    assert client.get(modified["Path"]).json["ModifiedFrom"] == study


@pytest.mark.parametrize(("is_required", "status"), [(False, 200), (True, 400)])
def test_a_modified_patient_needs_a_new_id_where_that_is_set(
    make_client: Callable[..., Client],
    is_required: bool,  # noqa: FBT001
    status: int,
) -> None:
    client = make_client(require_patient_id=is_required)
    patient = client.upload("PAT", 1, 1, 1)["ParentPatient"]
    answer = client.post(f"/patients/{patient}/modify", {"Replace": {"PatientName": "New"}})
    assert answer.status == status
    if is_required:
        assert answer.json["OrthancStatus"] == 8
    named = {"Replace": {"PatientID": "OTHER"}, "Force": True}
    assert client.post(f"/patients/{patient}/modify", named).status == 200


@pytest.fixture
def two_studies(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Return two studies of one patient, and a study of another one."""
    client.upload("ONE", 2, 1, 1)
    return client.upload("ONE", 1, 1, 1), client.upload("TWO", 3, 1, 1)


@pytest.mark.parametrize(
    ("replace", "status"),
    [
        ({"StudyDescription": "New"}, 200),  # not about the patient
        ({"PatientName": "New"}, 400),  # the patient's other study says otherwise
        ({"PatientID": "TWO"}, 400),  # and what is his name?
        ({"PatientID": "TWO", "PatientName": "Other"}, 400),
        ({"PatientID": "TWO", "PatientName": "Doe^Jane"}, 200),
        ({"PatientID": "TWO", "PatientName": "Doe^Jane", "PatientSex": "F"}, 400),
        ({"PatientID": "THREE"}, 200),  # nobody to contradict
        ({"PatientID": ["x"], "PatientName": "x"}, 400),
    ],
)
def test_a_study_must_agree_with_its_patient(
    client: Client,
    two_studies: tuple[dict[str, str], dict[str, str]],
    replace: dict[str, object],
    status: int,
) -> None:
    body = {"Replace": replace, "Force": True}
    answer = client.post(f"/studies/{two_studies[0]['ParentStudy']}/modify", body)
    assert answer.status == status
    if status == 400:
        assert len(client.get("/instances").json) == 3


def test_a_patient_of_one_study_can_be_renamed_with_it(
    client: Client, two_studies: tuple[dict[str, str], dict[str, str]]
) -> None:
    study = two_studies[1]["ParentStudy"]
    content = client.post(f"/studies/{study}/modify", {"Replace": {"PatientName": "New"}}).json
    # As in Orthanc, the patient's main tags are those of the products.
    assert client.get(f"/patients/{content['PatientID']}").json["MainDicomTags"]["PatientName"] == "New"


@pytest.mark.parametrize("keep_source", [True, False])
def test_two_instances_with_one_new_identity_are_refused(
    client: Client,
    two_studies: tuple[dict[str, str], dict[str, str]],
    keep_source: bool,  # noqa: FBT001
) -> None:
    client.upload("ONE", 1, 1, 2)
    body = {
        "Replace": {"SeriesInstanceUID": "1.2.9", "SOPInstanceUID": "1.2.9.1"},
        "Force": True,
        "KeepSource": keep_source,
    }
    answer = client.post(f"/series/{two_studies[0]['ParentSeries']}/modify", body)
    assert (answer.status, answer.json["OrthancStatus"]) == (400, 8)
    assert len(client.get("/instances").json) == 4
