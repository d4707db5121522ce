"""The workflow of one job on this machine: what ``statemachines/modification.asl.json`` is on AWS."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from dicomorph.jobs.documents import batch_sizes, manifest_key
from dicomorph.jobs.local_pool import Reply, Task, WorkerPool
from dicomorph.jobs.local_worker import Verdict
from dicomorph.services.backend import Backend
from dicomorph.services.finalize_job import abandon_job

_DEATHS = 2  # a worker's death costs its task one retry
_ATTEMPTS = 6
_FIRST_PAUSE = 0.2  # seconds, doubled each time


def run_workflow(pool: WorkerPool, backend: Backend, job_id: str, *, priority: int) -> None:
    """Run a job to its end; the steps that were done before are not repeated.

    Raises
    ------
    concurrent.futures.CancelledError
        If the pool was closed meanwhile. The job can be resumed.
    """
    workflow = _Workflow(pool, priority)
    plan = workflow.run([Task("plan", {"job": job_id})])[0]
    if plan.verdict is not Verdict.DONE:
        abandon_job(backend, job_id)
        return
    if plan.answer["batches"]:
        workflow.edit(job_id, batch_sizes(backend.objects.get(manifest_key(job_id)) or b"[]"))
    if workflow.run([Task("finalize", {"job": job_id})])[0].verdict is not Verdict.DONE:
        abandon_job(backend, job_id)


class _Workflow:
    """Runs tasks of one job, with the retries that they are worth."""

    def __init__(self, pool: WorkerPool, priority: int) -> None:
        self._pool = pool
        self._priority = priority

    def edit(self, job_id: str, sizes: Sequence[int]) -> None:
        """Edit all batches; those whose worker dies twice one instance at a time.

        So a poisoned instance fails alone. What has no outcome in the end has failed, which
        finalization sees for itself.
        """
        batches = [Task("batch", {"job": job_id, "batch": number}) for number in range(len(sizes))]
        replies = self.run(batches)
        parts = [
            Task("batch", {**task.event, "part": part})
            for task, reply, size in zip(batches, replies, sizes, strict=True)
            if reply.verdict is not Verdict.DONE
            for part in range(size)
        ]
        self.run(parts)

    def run(self, tasks: Sequence[Task]) -> list[Reply]:
        """Run tasks side by side and return their last replies."""
        replies: dict[int, Reply] = {}
        deaths = dict.fromkeys(range(len(tasks)), 0)
        pending: Iterable[int] = range(len(tasks))
        pause = _FIRST_PAUSE
        for _ in range(_ATTEMPTS):
            replies.update(self._attempt({number: tasks[number] for number in pending}))
            for number in pending:
                deaths[number] += replies[number].verdict is Verdict.DIED
            pending = [number for number in pending if _worth_repeating(replies[number], deaths[number])]
            if not pending:
                break
            if any(replies[number].verdict is Verdict.AGAIN for number in pending):
                time.sleep(pause)
                pause *= 2
        return [replies[number] for number in range(len(tasks))]

    def _attempt(self, tasks: dict[int, Task]) -> dict[int, Reply]:
        # Within a priority, the first batches of all jobs go before the second ones.
        futures = {
            number: self._pool.submit(task, order=(-self._priority, number)) for number, task in tasks.items()
        }
        return {number: future.result() for number, future in futures.items()}


def _worth_repeating(reply: Reply, deaths: int) -> bool:
    return reply.verdict is Verdict.AGAIN or (reply.verdict is Verdict.DIED and deaths < _DEATHS)
