"""What clients do with many resources at once, and between studies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.aws.objects import store
from dicomorph.dicom.views import tags_view
from dicomorph.http import large_answers
from dicomorph.jobs.contents import modification_content
from dicomorph.jobs.model import JobState
from dicomorph.services.browse import read_instance
from dicomorph.services.jobs import listings
from dicomorph.services.jobs.listings import write_listing
from tests.support.jobs import JOB
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import LEVELS, patient, upload_series


def show_many(cloud: RecordedStack) -> None:
    """As they are named, and their relatives above and below; unknown ones are left out."""
    stored = cloud.upload(patient())
    named = ["nope", *(stored[key] for key in LEVELS.values())]
    for level in ({}, {"Level": "Patient"}, {"Level": "Series"}, {"Level": "Instance"}):
        assert cloud.post("/tools/bulk-content", {"Resources": named, **level}).status == 200


def delete_many(cloud: RecordedStack) -> None:
    """One of each level, the first of which takes the others with it, and unknown ones."""
    stored = cloud.upload(patient())
    named = ["nope", *(stored[key] for key in LEVELS.values())]
    assert cloud.post("/tools/bulk-delete", {"Resources": named}).status == 200
    assert cloud.get("/patients").json == []


def change_many(cloud: RecordedStack) -> None:
    """Jobs for many resources, whose sources and products are listed beside their records."""
    for route in ("bulk-anonymize", "bulk-modify"):
        named = [cloud.upload(patient())["ParentStudy"] for _ in range(2)]
        assert cloud.post(f"/tools/{route}", {"Resources": named, "Level": "Study"}).status == 200
        assert cloud.post(f"/tools/{route}", {"Resources": ["nope"]}).status == 404
    assert len(cloud.get("/jobs", query={"expand": ""}).json[0]["Content"]["ParentResources"]) == 2


def look_amid_submissions(cloud: RecordedStack) -> None:
    """Jobs that are shown while they are submitted: their records are there, and not all documents yet."""
    seen = []

    def look() -> None:
        (job,) = cloud.get("/jobs", query={"expand": ""}).json
        assert cloud.get(f"/jobs/{job['ID']}").status == 200
        seen.append(job.get("UserData"))

    for path, body in submissions(cloud):
        asked = {"KeepSource": True, "UserData": {"Ticket": path}}
        with cloud.meanwhile("PutObject", look):
            assert cloud.post(path, {**body, **asked}).status == 200
        (job,) = cloud.get("/jobs", query={"expand": ""}).json
        assert job["UserData"] == {"Ticket": path}
        assert cloud.delete(f"/jobs/{job['ID']}").status == 200
    assert seen == [None] * 6


def answer_at_length(cloud: RecordedStack) -> None:
    """Answers that do not fit: lists of resources and of jobs, and what jobs made."""
    stored = cloud.upload(patient())
    study, instance = stored["ParentStudy"], stored["ID"]
    named = {"Resources": [study, cloud.upload(patient())["ParentStudy"]]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_answers, "LARGEST_TEXT", 0)
        patch.setattr(store, "PART_BYTES", 0)  # as for a text of many megabytes
        patch.setattr(listings, "PIECE_ENTRIES", 1)
        for route in ("bulk-anonymize", "bulk-modify"):
            assert cloud.post(f"/tools/{route}", named).status == 303
            with cloud.broken("UploadPart", when=lambda: not cloud.backend.jobs.any_alive()):
                assert cloud.post(f"/tools/{route}", named).status >= 500
        content = modification_content({}, is_anonymization=True)
        held = replace(JOB, state=JobState.FAILURE, is_bulk=True, content=content)
        cloud.backend.jobs.create(held)
        write_listing(cloud.backend, held, {"ParentResources": [study, study]})
        assert cloud.get(f"/jobs/{held.id}").status == 303
        job = cloud.backend.jobs.all()[-1].id
        assert cloud.get(f"/jobs/{job}").status == 303
        assert cloud.get("/studies", query={"expand": ""}).status == 303
        with cloud.broken("UploadPart"):
            assert cloud.get(f"/jobs/{job}").status >= 500
        assert cloud.get("/instances").status == 303
        for route in ("anonymize", "modify"):
            assert cloud.post(f"/studies/{study}/{route}", {}).status == 303
        assert cloud.get("/jobs").status == 303
        patch.setattr(tags_view, "_IN_MEMORY", 0)
        patch.setattr(tags_view, "_AT_ONCE", 1)
        patch.setattr(read_instance, "LARGEST_TEXT", 0)
        for route in ("tags", "simplified-tags"):
            assert cloud.get(f"/instances/{instance}/{route}").status == 303
        patch.setattr(store, "PART_BYTES", 0)  # as for a text of many megabytes
        assert cloud.get(f"/instances/{instance}/tags").status == 303
        with cloud.broken("UploadPart"):
            assert cloud.get(f"/instances/{instance}/tags").status >= 500


def give_away(cloud: RecordedStack) -> None:
    """A study for another patient, who has studies and others who have not; all studies of a patient."""
    name = patient()
    cloud.upload(name, 2, 1, 1)
    study = cloud.upload(patient())["ParentStudy"]
    for new_name, status in ((name, 400), (patient(), 200)):
        body = {"Replace": {"PatientID": new_name, "PatientName": "X"}, "Force": True}
        assert cloud.post(f"/studies/{study}/modify", body).status == status
    named = cloud.upload(patient())["ParentPatient"]
    body = {"Resources": [named], "Level": "Study", "Replace": {"PatientName": "X"}}
    assert cloud.post("/tools/bulk-modify", body).status == 200


def split(cloud: RecordedStack) -> None:
    """Series and instances that leave their study, and some that are in another one."""
    stored = upload_series(cloud, 3)
    path = f"/studies/{stored['ParentStudy']}/split"
    assert cloud.post(path, {"Instances": [stored["ID"]]}).status == 200
    assert cloud.post(path, {"Series": [stored["ParentSeries"]]}).status == 200
    assert cloud.post("/studies/nope/split", {"Series": []}).status == 404


def merge(cloud: RecordedStack) -> None:
    """Resources of each level that move into a study, and a study whose files are gone."""
    path = f"/studies/{cloud.upload(patient())['ParentStudy']}/merge"
    for key in ("ParentStudy", "ParentSeries", "ID"):
        assert cloud.post(path, {"Resources": [cloud.upload(patient())[key]]}).status == 200
    assert cloud.post("/studies/nope/merge", {"Resources": []}).status == 404
    source = cloud.upload(patient())
    cloud.lose("instances/")
    assert cloud.post(path, {"Resources": [source["ID"]]}).status == 500


def submissions(cloud: RecordedStack) -> list[tuple[str, dict[str, Any]]]:
    """Return a request to each route that submits a job for new resources."""
    stored, other = cloud.upload(patient()), cloud.upload(patient())
    study = stored["ParentStudy"]
    return [
        (f"/studies/{study}/anonymize", {}),
        (f"/studies/{study}/modify", {}),
        (f"/studies/{study}/split", {"Instances": [stored["ID"]]}),
        (f"/studies/{study}/merge", {"Resources": [other["ID"]]}),
        ("/tools/bulk-anonymize", {"Resources": [study]}),
        ("/tools/bulk-modify", {"Resources": [study], "Level": "Study"}),
    ]


USE_CASES_OF_MANY = (
    show_many,
    delete_many,
    change_many,
    look_amid_submissions,
    answer_at_length,
    give_away,
    split,
    merge,
)
