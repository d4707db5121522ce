"""Versions of a product that another job or an earlier attempt has written: the one that is there counts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import pause_job, resubmit_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.outcomes import JobOutcomes
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.aws_server import aws_server
from tests.workflows.crashes import CrashError
from tests.workflows.embedded import Server
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import before_nth, failing, meddled

BODY = {"Keep": ["SeriesInstanceUID", "SOPInstanceUID"], "Force": True}


def planned(server: Server, source: str, description: str) -> Job:
    body = {**BODY, "Replace": {"StudyInstanceUID": "1.2.3", "StudyDescription": description}}
    job = server.submit(source, body=body)
    plan_job(server.backend, job.id)
    return server.job(job.id)


def die_before_telling(server: Server, job: Job) -> None:
    """Store the products of all batches, and leave no outcome."""
    for number in range(job.batches):
        objects = before_nth(
            server.backend.objects, "put", 1, failing(CrashError()), counts=lambda key, _: "/outcomes/" in key
        )
        with suppress(CrashError):
            edit_batch(replace(server.backend, objects=objects), job.id, number)


def test_what_a_job_has_replaced_and_another_has_put_back_stays(overwriting: Server) -> None:
    source = study(overwriting)
    first, second = planned(overwriting, source, "first"), planned(overwriting, source, "second")
    die_before_telling(overwriting, first)
    for job in (second, first):  # each replaces the products of the other one
        for number in range(job.batches):
            edit_batch(overwriting.backend, job.id, number)
    for job in (second, first):
        finalize_job(overwriting.backend, job.id)
    made = [pin for pin in overwriting.pins() if pin.ancestry.study != source]
    assert [overwriting.read(pin).StudyDescription for pin in made] == ["first"] * SOURCES
    check_files(overwriting)


def fail_at(server: Server, job: Job, product: int) -> None:
    """Run an attempt of which one product cannot be written."""
    done = meddled(server, product, failing(StorageFullError())).finish(job)
    assert (done.state, counts(done)) == (JobState.FAILURE, (SOURCES, 1))


def test_the_newest_attempt_tells_which_version_of_a_product_there_is() -> None:
    with aws_server() as (server, _):
        source = study(server)
        job = server.submit(source, body=REPLACING)
        fail_at(server, job, SOURCES)
        delete_resource(server.backend, Level.STUDY, str(server.job(job.id).content["ID"]))
        resubmit_job(server.backend, job.id)
        fail_at(server, job, SOURCES)  # under the same keys, in versions of their own
        resubmit_job(server.backend, job.id)
        done = server.finish(job)
        assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
        told = {outcome.product for outcome in JobOutcomes(server.backend, done)}
        assert told == set(server.pins())


def test_what_was_edited_in_place_before_a_stop_is_told_as_source_and_product(overwriting: Server) -> None:
    source = study(overwriting)
    before = set(overwriting.pins())
    job = overwriting.submit(source, body={**IN_PLACE, "Replace": {"StudyDescription": "New"}})
    plan_job(overwriting.backend, job.id)
    die_before_telling(overwriting, overwriting.job(job.id))
    pause_job(overwriting.backend, job.id)
    resume_job(overwriting.backend, job.id)
    done = overwriting.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    told = list(JobOutcomes(overwriting.backend, done))
    assert {outcome.source for outcome in told} == before
    assert {outcome.product for outcome in told} == set(overwriting.pins())
    check_files(overwriting)
