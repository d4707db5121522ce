"""Jobs of many instances: what they hold in memory and write does not grow with them, identifiers apart."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import embedded_backend
from dicomorph.jobs.documents import manifest_key, outcomes_prefix
from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.benchmarks.filling import fill
from tests.contract.indexes import assert_hierarchy_is_true
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server
from tests.workflows.stack import Stack, deployed

_PER_INSTANCE = 700  # bytes: its identifier in a few sets, not its pins (1 KB) nor its outcome (2 KB)
_FIXED = 3_000_000


def peak(step: Callable[[], object]) -> int:
    """Return how many bytes of Python's memory a step takes at its peak."""
    tracemalloc.start()
    try:
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_plan_and_end_of_a_job_hold_identifiers_only(tmp_path: Path) -> None:
    count = 20_000
    data = tmp_path / "data"
    patient = fill(data, count)
    settings = Settings(sync_storage_area=False)
    server = Server(embedded_backend(data, settings, epoch=None, runner=IdleRunner()))
    job = server.submit(patient, level=Level.PATIENT, anonymize=True, body={"KeepSource": False})
    allowed = _FIXED + count * _PER_INSTANCE
    assert peak(lambda: plan_job(server.backend, job.id)) < allowed
    batches = server.job(job.id).batches
    assert batches == count // 25
    assert peak(lambda: edit_batch(server.backend, job.id, 0)) < _FIXED
    for number in range(batches):
        edit_batch(server.backend, job.id, number)
    assert peak(lambda: finalize_job(server.backend, job.id)) < allowed
    done = server.job(job.id)
    assert (done.state, done.content["InstancesCount"]) == (JobState.SUCCESS, count)
    found = server.backend.index.catalogue.statistics()
    assert (found.patients, found.studies, found.series, found.instances) == (1, 1, 2, count)
    assert sum(1 for _ in server.backend.objects.keys("instances/")) == count


class Sizes:
    """The largest items that were written to DynamoDB, and how often each parent was written."""

    def __init__(self, client: Any) -> None:
        self.largest = 0
        self.writes = Counter[str]()
        client.meta.events.register_first("before-call.dynamodb", self._see)

    def _see(self, params: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        for action in body.get("TransactItems", [{"Put": body}]):
            for one in action.values():
                item = one.get("Item", {})
                key = item or one.get("Key", {})
                if key and "KeyConditionExpression" not in one:
                    self.writes[key["PK"]["S"]] += 1
                self.largest = max(self.largest, len(json.dumps(item)))


def shared_clients(stack: Stack) -> tuple[Any, Any]:
    objects: Any = stack.backend.objects
    index: Any = stack.backend.index
    return objects._client, index.catalogue._table._client


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_five_thousand_instances_go_through_the_state_machine_in_batches_of_production() -> None:
    count = 5000
    with deployed(PlannerLimits(), concurrency=2) as stack:
        study = stack.upload("PAT", count)
        sizes = Sizes(shared_clients(stack)[1])
        # Deleting takes a transaction each, for which moto copies its whole table: sources stay.
        job = stack.run(study, seconds=2900)
        assert (job.state, job.content["InstancesCount"], job.content["FailedInstancesCount"]) == (
            JobState.SUCCESS,
            count,
            0,
        )
        batches = count // 50
        assert job.batches == len(stack.calls) == batches
        assert stack.map_items() == {"succeeded": batches, "failed": 0}
        found = stack.backend.index.catalogue.statistics()
        assert (found.patients, found.studies, found.series, found.instances) == (2, 2, 2, 2 * count)
        manifest = stack.backend.objects.get(manifest_key(job))
        assert manifest is not None
        assert [item["instances"] for item in json.loads(manifest)] == [50] * batches
        assert sum(1 for _ in stack.backend.objects.keys(outcomes_prefix(job))) == batches
        # Far below 400 KB an item, and 256 KiB for all that a map collects.
        assert sizes.largest < 10_000
        assert 2 * batches < 256 * 1024
        _assert_parents_were_written_once_a_batch(sizes, stack, str(job.content["ID"]), batches)


def _assert_parents_were_written_once_a_batch(sizes: Sizes, stack: Stack, product: str, batches: int) -> None:
    (series,) = stack.backend.index.catalogue.children(Level.STUDY, product)
    for parent in (f"Study#{product}", f"Series#{series}"):
        assert sizes.writes[parent] <= batches + 10, parent


@pytest.mark.slow
def test_four_clients_that_anonymize_one_study_at_once_get_a_study_each_time() -> None:
    with deployed(PlannerLimits(batch_instances=2, small_job_instances=2), concurrency=2) as stack:
        study = stack.upload("PAT", 5)
        with ThreadPoolExecutor(4) as clients:
            jobs = list(clients.map(lambda _: stack.run(study, seconds=100), range(8)))
        assert [(job.state, job.content["InstancesCount"]) for job in jobs] == [(JobState.SUCCESS, 5)] * 8
        found = stack.backend.index.catalogue.statistics()
        assert (found.patients, found.studies, found.series, found.instances) == (9, 9, 9, 45)
        assert_hierarchy_is_true(stack.backend.index)
