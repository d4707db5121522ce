"""The real state machine while services refuse calls, and what a workflow meets that begins again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dicomorph.aws.clients import client_config
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import TransientError
from dicomorph.model.resources import Level
from dicomorph.services.work.finalize_job import finalize_job
from tests.contract.indexes import assert_hierarchy_is_true
from tests.workflows.stack import Stack, deployed
from tests.workflows.throttling import Throttle, throttled


@pytest.fixture
def throttle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Throttle]:
    with throttled(monkeypatch) as throttle:
        yield throttle


@pytest.fixture
def stack(throttle: Throttle) -> Iterator[Stack]:
    """The workflow with clients that try again as those of the functions do, and with all their calls."""
    limits = PlannerLimits(batch_instances=3, small_job_instances=3)
    with deployed(limits, config=client_config(read_timeout=60), empty_partitions=True) as stack:
        yield stack


def assert_whole(stack: Stack, job: Job, *, products: int, left: int) -> None:
    """Check that a job made its products, that the sources went, and that each entry has its object."""
    assert (job.state, job.error_code) == (JobState.SUCCESS, 0)
    assert (job.content["InstancesCount"], job.content["FailedInstancesCount"]) == (products, 0)
    index, objects = stack.backend.index, stack.backend.objects
    made = list(index.catalogue.pins(Level.STUDY, str(job.content["ID"])))
    assert len(made) == products
    for pin in made:
        objects.open(pin.object).close()
    assert {pin.object.key for pin in made} <= set(objects.keys("instances/"))
    assert index.catalogue.statistics().instances == products + left
    assert_hierarchy_is_true(index)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_job_survives_that_a_third_of_all_calls_is_throttled(
    stack: Stack, throttle: Throttle, seed: int
) -> None:
    study = stack.upload("PAT", 7)
    throttle.seed, throttle.rate = seed, 0.3
    job, status = stack.finish(stack.submit(study, KeepSource=False), seconds=100)
    throttle.rate = 0
    assert status == "SUCCEEDED"
    assert throttle.refused.keys() == {"s3", "dynamodb", "lambda"}
    assert sum(throttle.refused.values()) > 20
    assert stack.backend.index.catalogue.get(Level.STUDY, study) is None
    assert_whole(stack, job, products=7, left=0)


@pytest.mark.slow
def test_a_store_that_refuses_everything_fails_the_job_and_keeps_all_sources(
    stack: Stack, throttle: Throttle
) -> None:
    study = stack.upload("PAT", 4)
    before = sorted(pin.object.key for pin in stack.backend.index.catalogue.pins(Level.STUDY, study))

    def refuse(_: object) -> None:
        throttle.rate = 1.0

    stack.before = refuse  # from the first worker on, and for ever
    job = stack.submit(study, KeepSource=False)
    with pytest.raises(TransientError):  # the end of the execution is seen, the record is not
        stack.finish(job, seconds=100)
    throttle.rate = 0
    stack.before = lambda _: None
    found = stack.backend.index.catalogue.pins(Level.STUDY, study)
    assert sorted(pin.object.key for pin in found) == before
    finalize_job(stack.backend, job.id)
    done = stack.backend.jobs.get(job.id)
    assert done is not None
    assert (done.state, done.content["FailedInstancesCount"]) == (JobState.FAILURE, 4)
    assert stack.backend.index.catalogue.statistics().instances == 4
