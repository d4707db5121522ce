"""Instances, batches and whole jobs that fail, and how they are counted."""

from __future__ import annotations

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import StaleEpochError, StorageFullError, TransientError
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.embedded import Server
from tests.workflows.meddling import failing, meddled


@pytest.mark.parametrize(
    ("error", "code"), [(StorageFullError(), StorageFullError.code), (ValueError("Doe^Jane"), -1)]
)
def test_an_instance_that_fails_is_counted(server: Server, error: Exception, code: int) -> None:
    study = server.upload()["ParentStudy"]
    for number in (2, 3):
        server.upload(number=number)
    job = meddled(server, 2, failing(error)).run(study, body={"KeepSource": False})
    assert (job.state, job.error_code, counts(job)) == (JobState.FAILURE, code, (3, 1))
    assert "Doe" not in job.error_details
    assert len(server.pins()) == 5


@pytest.mark.parametrize("error", [TransientError(), StaleEpochError()])
def test_what_concerns_the_whole_batch_is_no_outcome(server: Server, error: Exception) -> None:
    study = server.upload()["ParentStudy"]
    job = server.submit(study)
    plan_job(server.backend, job.id)
    with pytest.raises(type(error)):
        edit_batch(meddled(server, 1, failing(error)).backend, job.id, 0)
    assert counts(server.finish(job)) == (1, 0)


def test_a_batch_without_an_outcome_is_failed_instances(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    for number in (2, 3):
        server.upload(number=number)
    job = server.submit(study, body={"KeepSource": False})
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0, part=1)
    finalize_job(server.backend, job.id)
    done = server.job(job.id)
    assert (done.state, done.error_code, counts(done)) == (JobState.FAILURE, -1, (3, 2))
    assert len(server.pins()) == 4


def test_an_abandoned_job_has_failed_unless_it_ended_before(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    job = server.submit(study)
    abandon_job(server.backend, job.id)
    assert (server.job(job.id).state, server.job(job.id).error_code) == (JobState.FAILURE, -1)
    assert server.finish(job).content.get("ID") is None
    done = server.run(study)
    abandon_job(server.backend, done.id)
    assert server.job(done.id) == done
    abandon_job(server.backend, "unknown")
