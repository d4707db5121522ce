"""Failed jobs that are submitted again: what is missing is done, and nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import cancel_job, resubmit_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import failing, meddled


def fail_once(server: Server, source: str, body: dict[str, Any]) -> Job:
    """Return a job of which one instance, in the middle of the plan, has failed."""
    job = server.submit(source, body=body)
    done = meddled(server, 3, failing(StorageFullError())).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.FAILURE, 19), (SOURCES, 1))
    return done


@pytest.mark.parametrize("case", ["replacing", "in-place"])
def test_what_failed_is_done_again_and_nothing_else(tmp_path: Path, case: str) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    body = REPLACING if case == "replacing" else {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = fail_once(server, study(server), body)
    key = server.backend.jobs.get(job.id)
    resubmit_job(server.backend, job.id)
    pending = server.job(job.id)
    assert (pending.error_code, pending.content["FailedInstancesCount"]) == (0, 0)
    assert "ID" not in pending.content
    again: list[int] = []
    done = meddled(server, 2, lambda: again.append(1)).finish(job)
    assert again == []
    assert (outcome(done), counts(done), done.attempt) == ((JobState.SUCCESS, 0), (SOURCES, 0), 2)
    assert key is not None
    assert done.key == key.key
    assert len(server.pins()) == SOURCES
    check_files(server)


def test_products_that_were_deleted_meanwhile_are_made_again(server: Server) -> None:
    source = study(server)
    job = fail_once(server, source, REPLACING)
    product = str(job.content["ID"])
    delete_resource(server.backend, Level.STUDY, product)
    resubmit_job(server.backend, job.id)
    done = server.finish(job)
    assert (counts(done), done.content["ID"]) == ((SOURCES, 0), product)
    assert {pin.ancestry.study for pin in server.pins()} == {product}
    check_files(server)


def test_a_late_worker_of_an_earlier_attempt_misleads_nobody(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)

    def overtake() -> None:
        cancel_job(server.backend, job.id)
        resubmit_job(server.backend, job.id)
        plan_job(server.backend, job.id, 2)
        raise ValueError  # so the late worker has a failure to tell

    edit_batch(meddled(server, 1, overtake).backend, job.id, 0)
    done = server.finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    edit_batch(server.backend, job.id, 0)
    finalize_job(server.backend, job.id, 1)
    assert server.job(job.id) == done
    assert len(server.pins()) == SOURCES
    check_files(server)


def test_a_job_that_failed_in_its_plan_is_planned_again(server: Server) -> None:
    source = study(server)
    job = server.submit(source)
    delete_resource(server.backend, Level.STUDY, source)
    assert server.finish(job).error_code == 17
    assert study(server) == source
    resubmit_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
