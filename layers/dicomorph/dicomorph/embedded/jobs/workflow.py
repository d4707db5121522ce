"""The workflow of one job on this machine: what ``statemachines/modification.asl.json`` is on AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace

from dicomorph.embedded.jobs.pool import Reply, Task, WorkerPool
from dicomorph.embedded.jobs.worker import Verdict
from dicomorph.jobs.documents import manifest_key, read_manifest
from dicomorph.jobs.model import Job
from dicomorph.model.errors import InternalError, StorageFullError
from dicomorph.services.backend import Backend

_DEATHS = 2  # a worker's death costs its task one retry
_ATTEMPTS = 6
_FIRST_PAUSE = 0.2  # seconds, doubled each time


class LocalWorkflow:
    """One execution of a job: its tasks, with the retries that they are worth.

    Parameters
    ----------
    job : Job
        As it was queued.
    """

    def __init__(self, pool: WorkerPool, job: Job) -> None:
        self._pool = pool
        self._job = job
        self._event = {"job": job.id, "execution": job.execution}
        self._lock = threading.Lock()
        self._futures: list[Future[Reply]] = []
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Take the tasks of the job out of the queue; those under way end by themselves."""
        self._stopped.set()
        with self._lock:
            for future in self._futures:
                future.cancel()

    def run(self, backend: Backend) -> None:
        """Run the job to its end; the steps that were done before are not repeated.

        Raises
        ------
        concurrent.futures.CancelledError
            If the workflow was stopped or the pool closed meanwhile. The job can be resumed.
        StorageFullError
            If a task found no space for what it has to write down.
        InternalError
            If a task crashed without which a job cannot end.
        """
        plan = self._run_one("plan")
        if plan.answer["batches"]:
            planned = replace(self._job, plan=plan.answer["plan"], batches=plan.answer["batches"])
            self._edit(read_manifest(backend.objects.get(manifest_key(planned)), planned) or [])
        self._run_one("finalize")

    def _run_one(self, kind: str) -> Reply:
        reply = self._run([Task(kind, self._event)])[0]
        if reply.verdict is not Verdict.DONE:
            raise InternalError("A step of the job crashed")
        return reply

    def _edit(self, sizes: Sequence[int]) -> None:
        """Edit all batches; those whose worker dies twice one instance at a time.

        So a poisoned instance fails alone. What has no outcome in the end has failed, which
        finalization sees for itself.
        """
        batches = [Task("batch", {"job": self._job.id, "batch": number}) for number in range(len(sizes))]
        replies = self._run(batches)
        parts = [
            Task("batch", {**task.event, "part": part})
            for task, reply, size in zip(batches, replies, sizes, strict=True)
            if reply.verdict is not Verdict.DONE
            for part in range(size)
        ]
        self._run(parts)

    def _run(self, tasks: Sequence[Task]) -> list[Reply]:
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
                self._stopped.wait(pause)
                pause *= 2
        return [replies[number] for number in range(len(tasks))]

    def _attempt(self, tasks: dict[int, Task]) -> dict[int, Reply]:
        futures = self._submit(tasks)
        replies = {number: future.result() for number, future in futures.items()}
        if any(reply.verdict is Verdict.FULL for reply in replies.values()):
            raise StorageFullError("No space is left for the documents of the job")
        return replies

    def _submit(self, tasks: dict[int, Task]) -> dict[int, Future[Reply]]:
        with self._lock:
            if self._stopped.is_set():
                raise CancelledError
            # Within a priority, the first batches of all jobs go before the second ones.
            futures = {
                number: self._pool.submit(task, order=(-self._job.priority, number))
                for number, task in tasks.items()
            }
            self._futures = list(futures.values())
        return futures


def _worth_repeating(reply: Reply, deaths: int) -> bool:
    return reply.verdict is Verdict.AGAIN or (reply.verdict is Verdict.DIED and deaths < _DEATHS)
