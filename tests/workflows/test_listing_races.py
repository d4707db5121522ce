"""What a bulk job lists while it is stopped at its end, and after it was submitted again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import InexistentItemError, StorageFullError
from dicomorph.services.jobs.actions import cancel_job, delete_job, pause_job, resubmit_job, resume_job
from dicomorph.services.jobs.records import job_content, job_request
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import outcome
from tests.workflows.embedded import CALLER, Server
from tests.workflows.five_instances import SOURCES
from tests.workflows.meddling import Event, before_nth, failing, meddled


def bulk(server: Server) -> Job:
    """Return a bulk job of which only the end is missing, and one instance has failed."""
    body: dict[str, Any] = {"Resources": [server.upload(number)["ID"] for number in range(1, SOURCES + 1)]}
    job = submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER)
    work = meddled(server, 3, failing(StorageFullError())).backend
    for number in range(plan_job(work, job.id)):
        edit_batch(work, job.id, number)
    return server.job(job.id)


def listed_products(server: Server, job: Job) -> int:
    """Return how many instances a job lists that are no sources."""
    resources: Any = job_content(server.backend, server.job(job.id)).get("Resources", [])
    sources = job_request(server.backend, job.id).sources
    return sum(one["Type"] == "Instance" and one["ID"] not in sources for one in resources)


def finalize_before_listing(server: Server, job: Job, event: Event) -> None:
    objects = before_nth(server.backend.objects, "put", 1, event, counts=lambda key, _: "/ends/" in key)
    finalize_job(replace(server.backend, objects=objects), job.id)


def test_a_job_that_was_stopped_at_its_end_lists_what_the_next_attempt_has_made(server: Server) -> None:
    job = bulk(server)

    def do_again() -> None:
        cancel_job(server.backend, job.id)
        assert listed_products(server, job) == 0
        resubmit_job(server.backend, job.id)
        server.finish(job)

    finalize_before_listing(server, job, do_again)
    assert (server.job(job.id).state, listed_products(server, job)) == (JobState.SUCCESS, SOURCES)


def test_a_job_that_is_paused_at_its_end_has_no_result_yet(server: Server) -> None:
    job = bulk(server)
    before = job_content(server.backend, job)
    finalize_before_listing(server, job, lambda: pause_job(server.backend, job.id))
    assert job_content(server.backend, server.job(job.id)) == before
    resume_job(server.backend, job.id)
    assert outcome(server.finish(job)) == (JobState.FAILURE, 19)
    assert listed_products(server, job) == SOURCES - 1
    resubmit_job(server.backend, job.id)
    assert job_content(server.backend, server.job(job.id)) == before
    assert (outcome(server.finish(job)), listed_products(server, job)) == ((JobState.SUCCESS, 0), SOURCES)


def test_a_finalization_leaves_no_document_of_a_job_that_was_forgotten_meanwhile(server: Server) -> None:
    job = bulk(server)

    def forget() -> None:
        cancel_job(server.backend, job.id)
        delete_job(server.backend, job.id)

    jobs = before_nth(server.backend.jobs, "get", 2, forget)  # when the listing is about to be written
    with pytest.raises(InexistentItemError):
        finalize_job(replace(server.backend, jobs=jobs), job.id)
    assert list(server.backend.objects.keys("jobs/")) == []
