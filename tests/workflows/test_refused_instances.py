"""Jobs over images that cannot be made safe: some are refused, some flagged, the others are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.jobs.listings import read_listing
from dicomorph.services.submit.modification import submit_bulk_modification
from tests.support.jobs import counts, outcome
from tests.workflows.embedded import CALLER, Server, serve
from tests.workflows.meddling import failing, meddled
from tests.workflows.mixed_images import (
    FLAGS,
    LABEL,
    MIXED,
    NEWEST,
    PLAIN,
    REFUSED,
    SHOWN,
    check_index,
    in_store,
    stored,
)

IDENTIFIERS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def test_a_job_succeeds_and_counts_what_it_refused_and_flagged(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.run(study, anonymize=True, body=NEWEST)
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert counts(job) == (5, 0)
    assert (job.content["Flags"], job.content["Refused"]) == (FLAGS, REFUSED)
    assert job.content["RefusedInstances"] == sorted(
        ({"ID": sources[2], "Reason": "SlideLabel"}, {"ID": sources[4], "Reason": "SpecimenLabelInImage"}),
        key=lambda one: one["ID"],
    )
    assert "FailedInstances" not in job.content
    assert len(in_store(server) - set(sources)) == 3
    check_index(server)


def test_nothing_is_said_where_there_is_nothing_to_say(server: Server) -> None:
    study, _ = stored(server, PLAIN, PLAIN)
    assert (
        not {"Flags", "Refused", "RefusedInstances"}
        & server.run(study, anonymize=True, body=NEWEST).content.keys()
    )


def test_editions_of_orthanc_and_modifications_refuse_nothing(server: Server) -> None:
    study, _ = stored(server, *MIXED)
    assert not {"Flags", "Refused"} & server.run(study, body={"Remove": ["StudyDate"]}).content.keys()
    job = server.run(study, anonymize=True, body={"DicomVersion": "2023b"})
    assert counts(job) == (5, 0)
    assert not {"Flags", "Refused", "RefusedInstances"} & job.content.keys()


def test_refused_sources_stay_with_their_parents_where_the_others_go(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.run(study, anonymize=True, body={**NEWEST, "KeepSource": False})
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert job.content["Refused"] == REFUSED
    refused = {sources[2], sources[4]}
    assert in_store(server) & set(sources) == refused
    assert {
        pin.ancestry.instance for pin in server.backend.index.catalogue.pins(Level.STUDY, study)
    } == refused
    for pin in server.pins():
        server.read(pin)
    assert len(in_store(server)) == 5
    check_index(server)


def test_a_job_that_refuses_all_has_no_product_and_keeps_all(server: Server) -> None:
    study, sources = stored(server, LABEL, SHOWN)
    job = server.run(study, anonymize=True, body={**NEWEST, "KeepSource": False})
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert (counts(job), job.content["Refused"]) == ((2, 0), REFUSED)
    assert not {"ID", "Path", "PatientID", "Flags"} & job.content.keys()
    assert in_store(server) == set(sources)
    check_index(server)


@pytest.mark.parametrize("permissive", [False, True])
def test_refused_and_failed_instances_are_told_apart_and_all_sources_stay(
    server: Server,
    permissive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    study, sources = stored(server, *MIXED)
    body = {**NEWEST, "KeepSource": False, "Permissive": permissive}
    job = meddled(server, 2, failing(StorageFullError())).finish(
        server.submit(study, anonymize=True, body=body)
    )
    assert job.state is (JobState.SUCCESS if permissive else JobState.FAILURE)
    assert (counts(job), job.content["Refused"]) == ((5, 1), REFUSED)
    assert set(sources) <= in_store(server)


def test_a_job_that_is_submitted_again_judges_anew(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.submit(study, anonymize=True, body={**NEWEST, "KeepSource": False})
    failed = meddled(server, 2, failing(StorageFullError())).finish(job)
    assert outcome(failed)[0] is JobState.FAILURE
    resubmit_job(server.backend, job.id)
    assert not {"Flags", "Refused"} & server.job(job.id).content.keys()
    done = server.finish(job)
    assert (done.content["Flags"], done.content["Refused"], counts(done)) == (FLAGS, REFUSED, (5, 0))
    assert in_store(server) & set(sources) == {sources[2], sources[4]}
    check_index(server)


def test_bulk_jobs_list_products_alone(server: Server) -> None:
    first, _ = stored(server, *MIXED)
    second, _ = stored(server, LABEL, patient=2)
    body: dict[str, Any] = {**NEWEST, "Resources": [first, second]}
    job = server.finish(submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER))
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert (counts(job), job.content["Refused"]) == ((6, 0), {"SlideLabel": 2, "SpecimenLabelInImage": 1})
    listed = list(read_listing(server.backend, job)["Resources"])
    assert [one["Type"] for one in listed if isinstance(one, dict)].count("Instance") == 3


def test_what_is_refused_goes_to_no_target(server: Server, tmp_path: Path) -> None:
    place = serve(tmp_path / "sending", targets={"research": str(tmp_path / "research")})
    study, sources = stored(place, *MIXED)
    job = place.run(study, anonymize=True, body={**NEWEST, "Target": "research"})
    assert (job.content["Refused"], job.content["Flags"]) == (REFUSED, FLAGS)
    assert len(list((tmp_path / "research").rglob("*.dcm"))) == 3
    assert in_store(place) == set(sources)


def test_refused_instances_stay_as_they_are_among_those_edited_in_place(overwriting: Server) -> None:
    study, sources = stored(overwriting, *MIXED)
    before = {pin.ancestry.instance: pin.object for pin in overwriting.pins()}
    job = overwriting.run(study, anonymize=True, body={**NEWEST, "Force": True, "Keep": IDENTIFIERS})
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert (counts(job), job.content["Refused"]) == ((5, 0), REFUSED)
    after = {pin.ancestry.instance: pin.object for pin in overwriting.pins()}
    assert after.keys() == before.keys()
    assert {one for one in before if after[one] == before[one]} == {sources[2], sources[4]}
    check_index(overwriting)
