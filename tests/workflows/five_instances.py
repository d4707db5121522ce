"""Jobs on a study of five instances, three batches, and what is true of them."""

from __future__ import annotations

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import CanceledJobError
from dicomorph.services.jobs.actions import pause_job
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job
from dicomorph.services.work.plan_job import plan_job
from tests.workflows.embedded import Server

CANCELLED = (JobState.FAILURE, CanceledJobError.code)
REPLACING = {"KeepSource": False}
SOURCES = 5


def study(server: Server) -> str:
    """Store five instances: three batches."""
    (found,) = {str(server.upload(number)["ParentStudy"]) for number in range(1, SOURCES + 1)}
    return found


def check_files(server: Server) -> None:
    """Each file belongs to an entry, and each entry has its file."""
    assert server.files() == sorted(pin.object.key for pin in server.pins())
    for pin in server.pins():
        server.read(pin)


def edited(server: Server, source: str, **body: object) -> Job:
    """Return a job of which only the end is missing."""
    job = server.submit(source, body={**REPLACING, **body})
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    return server.job(job.id)


def in_state(server: Server, state: JobState, source: str) -> Job:
    """Return a job that is in a state, one batch done if it ever ran."""
    job = server.submit(source, body=REPLACING)
    if state is JobState.PENDING:
        return job
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    if state is JobState.SUCCESS:
        return server.finish(job)
    if state is JobState.FAILURE:
        abandon_job(server.backend, job.id)
    if state is JobState.PAUSED:
        pause_job(server.backend, job.id)
    return server.job(job.id)
