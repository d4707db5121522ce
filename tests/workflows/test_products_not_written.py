"""What was not written is no product: where another instance stands in its place and stays, the job fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.documents import manifest_key
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.outcomes import JobOutcomes
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.embedded import CALLER, Server, serve
from tests.workflows.five_instances import SOURCES, check_files, study
from tests.workflows.meddling import before_nth

NEW = {"StudyDescription": "New"}
KEEP_UIDS = {"Keep": IN_PLACE["Keep"], "Force": True}
INTO_CASE = {**KEEP_UIDS, "Replace": {"PatientID": "CASE", "PatientName": "Doe^Jane"}}
SUCCESS, REFUSED, TAKEN = (JobState.SUCCESS, 0), (JobState.FAILURE, 8), (JobState.FAILURE, 2018)

Submit = Callable[[Server], Job]
"""Asks for a job whose products, with a new description, are stored already."""


def _at(level: Level) -> Submit:
    def submit(server: Server) -> Job:
        stored = server.upload()
        named = stored["ID"] if level is Level.INSTANCE else stored[f"Parent{level.value}"]
        return server.submit(named, body={**IN_PLACE, "Replace": NEW}, level=level)

    return submit


def _bulk(level: Level) -> Submit:
    def submit(server: Server) -> Job:
        study = server.upload()["ParentStudy"]
        body: dict[str, Any] = {**IN_PLACE, "Replace": NEW, "Level": level.value, "Resources": [study]}
        return submit_bulk_modification(server.backend, body, is_anonymization=False, caller=CALLER)

    return submit


def _own_identifiers(server: Server) -> Job:
    own = {"PatientID": "PAT", "StudyInstanceUID": "1.2.3.1"}
    own |= {"SeriesInstanceUID": "1.2.3.1.1", "SOPInstanceUID": "1.2.3.1.1.1"}
    body = {"Replace": {**NEW, **own}, "Force": True}
    return server.submit(server.upload()["ParentStudy"], body=body)


def _into_another_patient(server: Server) -> Job:
    server.upload()
    theirs = server.upload(patient="OTHER")["ParentStudy"]
    named = {**NEW, "PatientID": "PAT", "PatientName": "Doe^Jane"}
    return server.submit(theirs, body={**KEEP_UIDS, "Replace": named})


def _anonymized_again(server: Server) -> Job:
    source = server.upload()["ParentStudy"]
    assert server.run(source, body=INTO_CASE, anonymize=True).state is JobState.SUCCESS
    stricter = {**KEEP_UIDS, "Replace": {"PatientID": "CASE", **NEW}}
    return server.submit(source, body=stricter, anonymize=True)


KINDS: dict[str, Submit] = {
    "a series in place": _at(Level.SERIES),
    "an instance in place": _at(Level.INSTANCE),
    "series in place, in bulk": _bulk(Level.SERIES),
    "instances in place, in bulk": _bulk(Level.INSTANCE),
    "own identifiers": _own_identifiers,
    "into another patient": _into_another_patient,
    "anonymized again": _anonymized_again,
}


def set_to(server: Server, overwrite: OverwriteInstances) -> Server:
    settings = replace(server.backend.settings, overwrite_instances=overwrite)
    return Server(replace(server.backend, settings=settings))


def descriptions(server: Server) -> list[str]:
    return sorted(server.read(pin).get("StudyDescription", "") for pin in server.pins())


def check_refused(server: Server, kind: str) -> None:
    job = KINDS[kind](server)
    before = server.pins()
    done = server.finish(job)
    assert (outcome(done), "OverwriteInstances" in done.error_details) == (REFUSED, True)
    assert not done.content.keys() & {"ID", "Path"}
    assert server.pins() == before
    check_files(server)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_whose_products_are_stored_already_is_refused(server: Server, kind: str) -> None:
    check_refused(server, kind)


@pytest.mark.parametrize("overwrite", [OverwriteInstances.IF_CHANGED, OverwriteInstances.ALWAYS])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_done_where_instances_may_be_replaced(
    server: Server, kind: str, overwrite: OverwriteInstances
) -> None:
    job = KINDS[kind](set_to(server, overwrite))
    before = len(server.pins())
    assert outcome(set_to(server, overwrite).finish(job)) == SUCCESS
    assert descriptions(server)[-1] == "New"
    assert len(server.pins()) == before
    check_files(server)


def test_what_leaves_the_store_takes_nobodys_place(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", targets={"research": str(tmp_path / "research")})
    done = server.run(
        server.upload()["ParentSeries"], body={**IN_PLACE, "Target": "research"}, level=Level.SERIES
    )
    assert outcome(done) == SUCCESS


def test_equal_bytes_are_done_where_only_changes_are_stored(server: Server) -> None:
    found = set_to(server, OverwriteInstances.IF_CHANGED)
    source = study(found)
    assert counts(found.run(source, body=INTO_CASE)) == (SOURCES, 0)
    before = found.pins()
    again = found.run(source, body=INTO_CASE)
    assert (outcome(again), counts(again)) == (SUCCESS, (SOURCES, 0))
    assert found.pins() == before
    check_files(found)


def overtaken(server: Server, *, permissive: bool) -> tuple[Job, str]:
    """Run a job while somebody stores what one of its products is to be; return that one, too."""
    job = server.submit(study(server), body={**INTO_CASE, "Permissive": permissive})
    batches = plan_job(server.backend, job.id)
    theirs: list[str] = []

    def overtake() -> None:
        theirs.append(server.upload(patient="CASE", StudyDescription="Theirs")["ID"])

    index = before_nth(server.backend.index, "add", 1, overtake)
    for number in range(batches):
        edit_batch(replace(server.backend, index=index), job.id, number)
    finalize_job(server.backend, job.id)
    return server.job(job.id), theirs[0]


def check_taken(server: Server, *, permissive: bool) -> None:
    done, theirs = overtaken(server, permissive=permissive)
    assert (outcome(done), counts(done)) == (SUCCESS if permissive else TAKEN, (SOURCES, 1))
    assert descriptions(server) == [""] * (2 * SOURCES - 1) + ["Theirs"]
    check_files(server)
    if not permissive:  # once the place is free, the job can be done
        delete_resource(server.backend, Level.INSTANCE, theirs)
        resubmit_job(server.backend, done.id)
        done = server.finish(done)
        assert (outcome(done), counts(done)) == (SUCCESS, (SOURCES, 0))
        assert descriptions(server) == [""] * 2 * SOURCES
        check_files(server)


@pytest.mark.parametrize("permissive", [False, True])
def test_an_instance_whose_place_is_taken_meanwhile_fails_and_no_other(
    server: Server,
    permissive: bool,  # noqa: FBT001
) -> None:
    check_taken(server, permissive=permissive)


def test_nothing_that_was_not_written_is_a_product_on_aws() -> None:
    with aws_server() as (server, _):
        check_refused(server, "a series in place")
        check_refused(server, "anonymized again")
        clear()
        check_taken(server, permissive=False)


def test_of_two_jobs_with_the_same_products_the_first_one_wins(server: Server) -> None:
    source = study(server)
    jobs = [
        server.submit(source, body={**KEEP_UIDS, "Replace": {"PatientID": "CASE", "StudyDescription": name}})
        for name in ("first", "second")
    ]
    for job in jobs:
        plan_job(server.backend, job.id)
    first, second = (server.finish(job) for job in jobs)
    assert (outcome(first), counts(first)) == (SUCCESS, (SOURCES, 0))
    assert (outcome(second), counts(second)) == (TAKEN, (SOURCES, SOURCES))
    assert descriptions(server) == [""] * SOURCES + ["first"] * SOURCES
    check_files(server)


def test_a_product_that_a_duplicated_task_has_brought_in_keeps_its_file(server: Server) -> None:
    """One worker finds the place taken, another one finds it free, and the first tells last."""
    job = server.submit(server.upload()["ParentStudy"], body=INTO_CASE)
    plan_job(server.backend, job.id)
    theirs = server.upload(patient="CASE")["ID"]

    def meanwhile() -> None:
        delete_resource(server.backend, Level.INSTANCE, theirs)
        edit_batch(server.backend, job.id, 0)

    objects = before_nth(
        server.backend.objects, "put", 1, meanwhile, counts=lambda key, _: "/outcomes/" in key
    )
    edit_batch(replace(server.backend, objects=objects), job.id, 0)
    assert counts(server.finish(job)) == (1, 1)
    assert len(server.pins()) == 2
    check_files(server)


def lose_plan(server: Server, job: Job) -> Server:
    """Return a server after a power cut, on which batches have another size."""
    server.backend.objects.discard([ObjectRef(manifest_key(job), "", 0)], pinned=False)
    return Server(
        replace(server.backend, planner_limits=PlannerLimits(batch_instances=3, small_job_instances=0))
    )


@pytest.mark.parametrize("body", [{}, INTO_CASE])
def test_what_the_job_itself_has_stored_under_an_earlier_plan_is_done(
    server: Server, body: dict[str, Any]
) -> None:
    source = study(server)
    job = server.submit(source, body=body)
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    before = server.pins()
    done = lose_plan(server, server.job(job.id)).finish(job)
    assert (outcome(done), counts(done)) == (SUCCESS, (SOURCES, 0))
    assert server.pins() == before
    check_files(server)


def test_products_of_the_job_itself_are_no_version_that_was_replaced(overwriting: Server) -> None:
    """A late task of an earlier plan may store its own ones again, in the place of those that count."""
    job = overwriting.submit(study(overwriting), body=INTO_CASE)
    for number in range(plan_job(overwriting.backend, job.id)):
        edit_batch(overwriting.backend, job.id, number)
    before = {pin.object for pin in overwriting.pins()}
    server = lose_plan(overwriting, overwriting.job(job.id))
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    assert len(before - {pin.object for pin in server.pins()}) == 3, "made again under another key"
    outcomes = JobOutcomes(server.backend, server.job(job.id))
    assert [batch.superseded for batch in outcomes.batches()] == [(), ()]
    done = server.finish(job)
    assert (outcome(done), counts(done)) == (SUCCESS, (SOURCES, 0))
    assert len(server.pins()) == 2 * SOURCES
    for pin in server.pins():
        server.read(pin)
