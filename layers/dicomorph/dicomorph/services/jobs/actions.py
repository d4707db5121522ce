"""What a client may do with a job (spec 5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from dicomorph.jobs.contents import unfinished_content
from dicomorph.jobs.lifecycle import cancelled, is_cancelled, paused, resubmitted, resumed
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InexistentItemError, JobEndsError, TransientError
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.discarding import work_off
from dicomorph.services.jobs.history import trim_history
from dicomorph.services.jobs.records import as_it_stands, change_job, forget_job, get_job, timestamp

_TOO_LATE = "The job is coming to its end, or has just ended: it can no longer be paused or cancelled"


def cancel_job(backend: Backend, job_id: str) -> None:
    """Let a job that has not ended fail as cancelled; what it has stored remains.

    Once this returns, nothing but a client who submits it again lets the job go on. One that had
    ended before is left as it is.

    Raises
    ------
    InexistentItemError
        If there is no such job.
    JobEndsError
        If it is too late: the job removes what cannot be brought back, or has ended amid the call.
    """
    moment = timestamp(backend.now())
    if _halt(backend, job_id, lambda job: cancelled(job, moment), is_cancelled):
        trim_history(backend)


def pause_job(backend: Backend, job_id: str) -> None:
    """Interrupt a job that has not ended, as `cancel_job` does.

    Raises
    ------
    InexistentItemError
        If there is no such job.
    JobEndsError
        As `cancel_job`.
    """
    moment = timestamp(backend.now())
    _halt(backend, job_id, lambda job: paused(job, moment), lambda job: job.state is JobState.PAUSED)
    with suppress(DicomorphError):  # of what was deleted while it was planned, it keeps nothing
        work_off(backend)


def resume_job(backend: Backend, job_id: str) -> None:
    """Let a paused job go on where it stopped.

    Raises
    ------
    InexistentItemError
        If there is no such job, or it is not paused.
    DicomorphError
        If it cannot be started; it is paused then.
    """
    moment = timestamp(backend.now())
    _restart(backend, job_id, lambda job: resumed(job, moment))


def resubmit_job(backend: Backend, job_id: str) -> None:
    """Let a failed job do again what is missing or failed.

    Its secret is the same, so that its products are.

    Raises
    ------
    InexistentItemError
        If there is no such job, or it has not failed.
    DicomorphError
        If it cannot be started; it is failed then.
    """
    as_it_stands(backend, get_job(backend, job_id))
    moment = timestamp(backend.now())
    _restart(backend, job_id, lambda job: resubmitted(job, moment, content=unfinished_content(job)))


def delete_job(backend: Backend, job_id: str) -> None:
    """Forget a job that has ended.

    Raises
    ------
    InexistentItemError
        If there is no such job, or it has not ended.
    """
    job = as_it_stands(backend, get_job(backend, job_id))
    if not job.state.is_final:
        raise InexistentItemError("The job has not ended")
    forget_job(backend, job_id)


def _halt(
    backend: Backend, job_id: str, change: Callable[[Job], Job], is_halted: Callable[[Job], bool]
) -> bool:
    """Write down that a job is not to run; tell whether it says so now, or had ended before."""
    had_ended = get_job(backend, job_id).state.is_final
    job = change_job(backend, job_id, change)
    if is_halted(job):  # by this call, by one whose answer was lost, or by somebody else
        # The record says it already, and every task looks at the record: this only saves work.
        with suppress(TransientError):
            backend.runner.stop(job)
        return True
    if not had_ended:
        raise JobEndsError(_TOO_LATE)
    return False


def _restart(backend: Backend, job_id: str, change: Callable[[Job], Job]) -> None:
    """Write down that a job is pending again and start it; where that fails, it is what it was."""
    before = get_job(backend, job_id)

    def begin(job: Job) -> Job:
        nonlocal before
        before = job
        return change(job)

    pending = change_job(backend, job_id, begin)
    if pending == before:
        raise InexistentItemError("The job is in another state")
    try:
        backend.runner.start(pending)
    except DicomorphError:
        # It may run all the same. Then its tasks find nothing to do, for its number is used up.
        held = replace(before, attempt=pending.attempt, execution=pending.execution)
        change_job(
            backend, job_id, lambda job: replace(held, revision=job.revision) if job == pending else job
        )
        raise
