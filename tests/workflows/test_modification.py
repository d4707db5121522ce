"""The real state machine and the real handlers on a mocked AWS: what becomes of instances is counted."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest

from dicomorph.jobs.documents import outcomes_prefix
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import TransientError
from dicomorph.model.resources import Level
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.moto_faults import WorkerDiedError
from tests.workflows.stack import Stack, deployed


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Batches of three, and a map for everything that does not fit in one."""
    with deployed(PlannerLimits(batch_instances=3, small_job_instances=3)) as found:
        yield found


def products(stack: Stack, job: Job) -> list[pydicom.Dataset]:
    found: list[pydicom.Dataset] = []
    for pin in stack.backend.index.catalogue.pins(Level.STUDY, str(job.content["ID"])):
        source = stack.backend.objects.open(pin.object)
        found.append(pydicom.dcmread(io.BytesIO(source.read(0, source.size))))
        source.close()
    return found


def sources(stack: Stack, study: str) -> list[str]:
    return sorted(pin.ancestry.instance for pin in stack.backend.index.catalogue.pins(Level.STUDY, study))


def lose(stack: Stack, study: str, position: int) -> None:
    """Lose the bytes of one source, by the position that it has in a plan."""
    instance = sources(stack, study)[position]
    [pin] = stack.backend.index.catalogue.pins(Level.INSTANCE, instance)
    stack.backend.objects.discard([pin.object], pinned=False)
    client: Any = stack.backend.objects.__dict__["_client"]
    client.delete_object(Bucket="dicom", Key=pin.object.key, VersionId=pin.object.version)


def test_all_instances_of_a_study_are_anonymized_by_a_map(stack: Stack) -> None:
    study = stack.upload("PAT", 7)
    job = stack.run(study)
    assert (job.state, job.error_code, counts(job)) == (JobState.SUCCESS, 0, (7, 0))
    assert stack.map_items() == {"succeeded": 3, "failed": 0}
    assert [call for call in stack.calls if "part" in call] == []
    made = products(stack, job)
    assert len(made) == len({item.SOPInstanceUID for item in made}) == 7
    assert len({item.StudyInstanceUID for item in made}) == 1
    assert {str(item.PatientName) for item in made} == {"Anonymized1"}
    assert stack.backend.index.catalogue.statistics().instances == 14


def test_a_small_job_runs_without_a_map(stack: Stack) -> None:
    job = stack.run(stack.upload("PAT", 3))
    assert (job.state, counts(job)) == (JobState.SUCCESS, (3, 0))
    assert stack.calls == [{"job": job.id, "batch": 0}]
    assert stack.map_items() == {"succeeded": 0, "failed": 0}


def test_sources_go_when_that_was_asked_for(stack: Stack) -> None:
    study = stack.upload("PAT", 4)
    job = stack.run(study, KeepSource=False)
    assert counts(job) == (4, 0)
    assert stack.backend.index.catalogue.get(Level.STUDY, study) is None
    assert len(products(stack, job)) == 4
    assert stack.backend.index.catalogue.statistics().instances == 4


def test_a_missing_instance_fails_the_job_and_nothing_else(stack: Stack) -> None:
    study = stack.upload("PAT", 7)
    lose(stack, study, 4)
    job = stack.run(study, KeepSource=False)
    assert (job.state, job.error_code, counts(job)) == (JobState.FAILURE, 13, (7, 1))
    assert len(sources(stack, study)) == 7
    assert stack.backend.index.catalogue.statistics().instances == 13


def test_a_missing_instance_is_counted_by_a_permissive_job(stack: Stack) -> None:
    study = stack.upload("PAT", 7)
    lose(stack, study, 0)
    job = stack.run(study, KeepSource=False, Permissive=True)
    assert (job.state, job.error_code, counts(job)) == (JobState.SUCCESS, 0, (7, 1))
    assert len(products(stack, job)) == 6
    assert len(sources(stack, study)) == 7  # an instance failed: nothing is deleted


def test_an_instance_that_kills_its_worker_fails_alone(stack: Stack) -> None:
    def poison(event: dict[str, Any]) -> None:
        if event["batch"] == 1 and event.get("part", 1) == 1:
            raise WorkerDiedError

    stack.before = poison
    job = stack.run(stack.upload("PAT", 7), Permissive=True)
    assert (job.state, counts(job)) == (JobState.SUCCESS, (7, 1))
    assert len(products(stack, job)) == 6
    invocations = Counter((call["batch"], call.get("part")) for call in stack.calls)
    assert invocations == {
        (0, None): 1,
        (1, None): 2,
        (1, 0): 1,
        (1, 1): 2,
        (1, 2): 1,
        (2, None): 1,
    }


def test_a_poisoned_instance_of_a_small_job_fails_alone(stack: Stack) -> None:
    def poison(event: dict[str, Any]) -> None:
        if event.get("part", 2) == 2:
            raise WorkerDiedError

    stack.before = poison
    job = stack.run(stack.upload("PAT", 3))
    assert (job.state, job.error_code, counts(job)) == (JobState.FAILURE, -1, (3, 1))
    assert len(products(stack, job)) == 2


@pytest.mark.parametrize("error", [WorkerDiedError, TransientError])
def test_a_worker_that_dies_once_is_retried(stack: Stack, error: type[Exception]) -> None:
    left = [{"batch": 1}]

    def die_once(event: dict[str, Any]) -> None:
        if left and event["batch"] == left[0]["batch"]:
            left.pop()
            raise error

    stack.before = die_once
    job = stack.run(stack.upload("PAT", 7))
    assert (job.state, counts(job)) == (JobState.SUCCESS, (7, 0))
    assert Counter(call["batch"] for call in stack.calls) == {0: 1, 1: 2, 2: 1}
    assert [call for call in stack.calls if "part" in call] == []


def test_duplicated_invocations_change_nothing(stack: Stack) -> None:
    def twice(event: dict[str, Any]) -> None:
        other = threading.Thread(target=edit_batch, args=(stack.backend, event["job"], event["batch"]))
        other.start()
        edit_batch(stack.backend, event["job"], event["batch"])
        other.join()

    stack.before = twice
    study = stack.upload("PAT", 7)
    job = stack.run(study, KeepSource=False)
    before = stack.backend.index.catalogue.statistics(), sorted(stack.backend.objects.keys("instances/"))
    for number in range(3):
        edit_batch(stack.backend, job.id, number)
    assert plan_job(stack.backend, job.id) == 0  # nothing to do any more
    finalize_job(stack.backend, job.id)
    stack.backend.runner.start(job)
    assert stack.backend.jobs.get(job.id) == job
    assert (
        stack.backend.index.catalogue.statistics(),
        sorted(stack.backend.objects.keys("instances/")),
    ) == before
    assert counts(job) == (7, 0)
    assert len(products(stack, job)) == 7


def test_a_crash_of_the_planner_fails_the_job(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    study = stack.upload("PAT", 7)
    monkeypatch.setattr("dicomorph.services.work.plan_job.plan_batches", lambda *_: 1 / 0)
    job, status = stack.finish(stack.submit(study))
    assert (job.state, job.error_code, status) == (JobState.FAILURE, -1, "FAILED")
    assert stack.calls == []


def test_a_crash_of_the_finalization_fails_the_job(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    study = stack.upload("PAT", 7)
    monkeypatch.setattr("dicomorph.services.work.finalize_job.final_content", lambda *_, **__: 1 / 0)
    job, status = stack.finish(stack.submit(study, KeepSource=False))
    assert (job.state, job.error_code, status) == (JobState.FAILURE, -1, "FAILED")


def test_no_state_holds_more_than_ids_and_numbers(stack: Stack) -> None:
    job = stack.run(stack.upload("PAT", 7))
    for call in stack.calls:
        assert call["job"] == job.id
        assert {type(value) for name, value in call.items() if name != "job"} == {int}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_thousand_items_of_one_instance_each() -> None:
    with deployed(PlannerLimits(batch_instances=1, small_job_instances=0), concurrency=4) as stack:
        study = stack.upload("PAT", 3000)
        lose(stack, study, 1500)
        job = stack.run(study, Permissive=True, seconds=1700)
        assert (job.state, counts(job)) == (JobState.SUCCESS, (3000, 1))
        assert stack.map_items() == {"succeeded": 3000, "failed": 0}
        assert len(stack.calls) == 3000
        assert sum(1 for _ in stack.backend.objects.keys(outcomes_prefix(job))) == 3000
        assert sum(1 for _ in stack.backend.index.catalogue.pins(Level.STUDY, str(job.content["ID"]))) == 2999
