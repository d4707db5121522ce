"""Writing down that an instance has killed its worker: it has failed, and is not tried again."""

from __future__ import annotations

from dicomorph.jobs.documents import (
    batch_key,
    encode_outcome,
    outcome_key,
    part_key,
    read_batch,
    read_outcome,
)
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, JobState
from dicomorph.model.errors import InternalError
from dicomorph.services.backend import Backend
from dicomorph.services.work.outcomes import WORKER_DIED


def give_up(backend: Backend, job_id: str, number: int, part: int) -> None:
    """Record the failure of an instance, unless a worker that was late has recorded what became of it.

    What has no record is taken for what never got a worker, and is tried again.

    Raises
    ------
    TransientError
        If a store is away; the call is to be repeated.
    InternalError
        If the batch was never planned.
    """
    job = backend.jobs.get(job_id)
    if job is None or job.state is not JobState.RUNNING:
        return
    key = part_key(job, number, part)
    of_part = read_outcome(backend.objects.get(key), number, 1)
    if of_part is not None or read_outcome(backend.objects.get(outcome_key(job, number)), number) is not None:
        return
    batch = read_batch(backend.objects.get(batch_key(job, number)), number)
    if batch is None or part >= len(batch.pins):
        raise InternalError("The instance was never planned")
    failure = InstanceOutcome(batch.pins[part], None, InternalError.code, WORKER_DIED)
    backend.objects.put(key, encode_outcome(BatchOutcome(number, (failure,))))
