"""The recorded outcomes of a job, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

from dicomorph.jobs.documents import (
    batch_key,
    manifest_key,
    outcome_key,
    part_key,
    read_batch,
    read_manifest,
    read_outcome,
)
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, Job
from dicomorph.jobs.summary import OutcomePosition
from dicomorph.model.errors import InternalError
from dicomorph.model.resources import ObjectRef, Pin
from dicomorph.services.backend import Backend

WORKER_DIED = "The worker died"
"""What is said of an instance that has no outcome."""


class JobOutcomes:
    """What became of the instances of a job in its present attempt, which may be gone through repeatedly.

    As many batches are in memory as are asked for at once.

    Raises
    ------
    InternalError
        If the job was never planned, or a document of its plan is gone.
    """

    def __init__(self, backend: Backend, job: Job) -> None:
        sizes = read_manifest(backend.objects.get(manifest_key(job)), job)
        if sizes is None:
            raise InternalError("The job was never planned")
        self._backend = backend
        self._objects = backend.objects
        self._job = job
        self._sizes = sizes

    def __iter__(self) -> Iterator[InstanceOutcome]:
        for batch in self.batches():
            yield from batch.instances

    def batches(self, first: int = 0) -> Iterator[BatchOutcome]:
        """Yield the outcome of each batch, by number, from one on."""
        return self._backend.side_by_side(self._batch, range(first, len(self._sizes)))

    def product(self, position: OutcomePosition) -> Pin:
        """Return the product that is recorded at a position."""
        number, index = position
        product = self._batch(number).instances[index].product
        if product is None:
            raise InternalError("An instance has no product")
        return product

    def _batch(self, number: int) -> BatchOutcome:
        document = self._objects.get(outcome_key(self._job, number))
        return read_outcome(document, number, self._sizes[number]) or self._from_parts(number)

    def _from_parts(self, number: int) -> BatchOutcome:
        """Return what is known of a batch whose worker died: an instance without an outcome failed."""
        batch = read_batch(self._objects.get(batch_key(self._job, number)), number)
        if batch is None:
            raise InternalError("A batch of the job is gone")
        instances: list[InstanceOutcome] = []
        superseded: list[ObjectRef] = []
        for part, pin in enumerate(batch.pins):
            found = read_outcome(self._objects.get(part_key(self._job, number, part)), number, 1)
            if found is None:
                instances.append(InstanceOutcome(pin, None, InternalError.code, WORKER_DIED))
            else:
                instances += found.instances
                superseded += found.superseded
        return BatchOutcome(number, tuple(instances), tuple(superseded))
