"""Jobs over images that cannot be made safe: some are refused, some flagged, the others are done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.jobs.listings import read_listing
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts, outcome
from tests.support.risky_images import CT, SLIDE, US, Image, burned_in, image_type, label_in_image
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import CALLER, Server, files_of, serve, tidy
from tests.workflows.meddling import failing, meddled
from tests.workflows.scenarios import work

PLAIN = Image(CT, [burned_in("NO")])
ULTRASOUND, CLEAN = Image(US), Image(US, [burned_in("NO")])
LABEL = Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL\\NONE")])
SHOWN = Image(CT, [label_in_image("YES")])
MIXED = (PLAIN, ULTRASOUND, LABEL, CLEAN, SHOWN)
FLAGS = {"Ultrasound": 1, "DeclaredCleanBySource": 1}
REFUSED = {"SlideLabel": 1, "SpecimenLabelInImage": 1}


@pytest.fixture(autouse=True)
def _conformant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.deid.compilation.is_conformant", bool)  # any of an anonymization


@pytest.fixture(scope="module")
def on_aws() -> Iterator[Server]:
    with aws_server() as (server, _):
        yield server


@pytest.fixture(params=["embedded", "aws"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    if request.param == "embedded":
        return serve(tmp_path / "place")
    found: Server = request.getfixturevalue("on_aws")
    clear()
    return found


def stored(server: Server, *images: Image, patient: int = 1) -> tuple[str, list[str]]:
    """Store images in one series; return the ids of the study and of the instances."""
    answers = [
        store_instance(server.backend, image.file(patient=patient, instance=number), remote_ip="")
        for number, image in enumerate(images, 1)
    ]
    return str(answers[0]["ParentStudy"]), [str(answer["ID"]) for answer in answers]


def in_store(server: Server) -> set[str]:
    return {pin.ancestry.instance for pin in server.pins()}


def check_index(server: Server) -> None:
    """Check that each resource has children, each file its entry, and the counts are right."""
    catalogue = server.backend.index.catalogue
    pins = server.pins()
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES):
        ids = set(catalogue.ids(level))
        assert ids == {pin.ancestry.at(level) for pin in pins}
    statistics = catalogue.statistics()
    assert statistics.instances == len(pins)
    assert statistics.patients == len({pin.ancestry.patient for pin in pins})
    assert server.backend.objects.are_stored([pin.object for pin in pins])


def test_a_job_succeeds_and_counts_what_it_refused_and_flagged(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.run(study, anonymize=True)
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
    assert not {"Flags", "Refused", "RefusedInstances"} & server.run(study, anonymize=True).content.keys()


def test_editions_of_orthanc_and_modifications_refuse_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = stored(server, *MIXED)
    assert not {"Flags", "Refused"} & server.run(study, body={"Remove": ["StudyDate"]}).content.keys()
    monkeypatch.undo()
    job = server.run(study, anonymize=True, body={"DicomVersion": "2023b"})
    assert counts(job) == (5, 0)
    assert not {"Flags", "Refused", "RefusedInstances"} & job.content.keys()


def test_refused_sources_stay_with_their_parents_where_the_others_go(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.run(study, anonymize=True, body={"KeepSource": False})
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


def test_a_job_that_refuses_all_has_no_product_and_keeps_all(place: Server) -> None:
    study, sources = stored(place, LABEL, SHOWN)
    job = place.run(study, anonymize=True, body={"KeepSource": False})
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert (counts(job), job.content["Refused"]) == ((2, 0), REFUSED)
    assert not {"ID", "Path", "PatientID", "Flags"} & job.content.keys()
    assert in_store(place) == set(sources)
    check_index(place)


@pytest.mark.parametrize("permissive", [False, True])
def test_refused_and_failed_instances_are_told_apart_and_all_sources_stay(
    server: Server,
    permissive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    study, sources = stored(server, *MIXED)
    body = {"KeepSource": False, "Permissive": permissive}
    job = meddled(server, 2, failing(StorageFullError())).finish(
        server.submit(study, anonymize=True, body=body)
    )
    assert job.state is (JobState.SUCCESS if permissive else JobState.FAILURE)
    assert (counts(job), job.content["Refused"]) == ((5, 1), REFUSED)
    assert set(sources) <= in_store(server)


def test_a_job_that_is_submitted_again_judges_anew(server: Server) -> None:
    study, sources = stored(server, *MIXED)
    job = server.submit(study, anonymize=True, body={"KeepSource": False})
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
    body: dict[str, Any] = {"Resources": [first, second]}
    job = server.finish(submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER))
    assert outcome(job) == (JobState.SUCCESS, 0)
    assert (counts(job), job.content["Refused"]) == ((6, 0), {"SlideLabel": 2, "SpecimenLabelInImage": 1})
    listed = list(read_listing(server.backend, job)["Resources"])
    assert [one["Type"] for one in listed if isinstance(one, dict)].count("Instance") == 3


def test_what_is_refused_goes_to_no_target(server: Server, tmp_path: Path) -> None:
    place = serve(tmp_path / "sending", targets={"research": str(tmp_path / "research")})
    study, sources = stored(place, *MIXED)
    job = place.run(study, anonymize=True, body={"Target": "research"})
    assert (job.content["Refused"], job.content["Flags"]) == (REFUSED, FLAGS)
    assert len(list((tmp_path / "research").rglob("*.dcm"))) == 3
    assert in_store(place) == set(sources)


def _submitted(server: Server) -> tuple[Job, list[str]]:
    """Submit a job over a plain image, a label and ultrasound, which deletes sources."""
    study, sources = stored(server, PLAIN, LABEL, ULTRASOUND)
    return server.submit(study, anonymize=True, body={"KeepSource": False}), sources


def test_a_crash_at_any_write_changes_nothing_in_the_end(tmp_path: Path) -> None:
    for fuse in at_each_write(Fuse):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder)
        job, sources = _submitted(server)
        try:
            work(fuse.wrap(server), job)
        except CrashError:
            server = serve(folder)
            assert tidy(server, folder) == 0
            work(server, job)
        done = server.job(job.id)
        assert outcome(done) == (JobState.SUCCESS, 0)
        assert (counts(done), done.content["Flags"]) == ((3, 0), {"Ultrasound": 1})
        assert done.content["Refused"] == {"SlideLabel": 1}
        assert in_store(server) & set(sources) == {sources[1]}
        assert files_of(folder) == {f"objects/{pin.object.key}" for pin in server.pins()}
        check_index(server)
    assert fuse.writes > 10


def test_every_step_may_run_twice(place: Server) -> None:
    job, sources = _submitted(place)
    for number in range(plan_job(place.backend, job.id)):
        for _ in range(2):
            edit_batch(place.backend, job.id, number)
            edit_batch(place.backend, job.id, number, part=0)
    for _ in range(2):
        finalize_job(place.backend, job.id)
    done = place.job(job.id)
    assert (counts(done), done.content["Refused"]) == ((3, 0), {"SlideLabel": 1})
    assert in_store(place) & set(sources) == {sources[1]}
    check_index(place)
