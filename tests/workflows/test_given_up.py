"""Instances that have killed their worker: they are written down, and a batch that goes again leaves them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.jobs.documents import outcome_key, part_key, read_outcome
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import InternalError
from dicomorph.services.jobs.actions import pause_job, resume_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.give_up import give_up
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import IdleRunner
from tests.support.jobs import counts
from tests.workflows.embedded import Server


@pytest.fixture
def planned(server: Server) -> tuple[Server, Job]:
    """A job of one batch of three, as on AWS."""
    server = Server(replace(server.backend, planner_limits=PlannerLimits()))
    study = {server.upload(number)["ParentStudy"] for number in (1, 2, 3)}.pop()
    job = server.submit(study, body={"Permissive": True})
    assert plan_job(server.backend, job.id) == 1
    return server, server.job(job.id)


def outcomes(server: Server, job: Job) -> list[bool] | None:
    """Return which instances of the batch have a product, None if it has no outcome."""
    found = read_outcome(server.backend.objects.get(outcome_key(job, 0)), 0)
    return None if found is None else [one.product is not None for one in found.instances]


def test_a_batch_that_goes_again_leaves_what_was_given_up(planned: tuple[Server, Job]) -> None:
    server, job = planned
    edit_batch(server.backend, job.id, 0, part=0)
    for _ in range(2):
        give_up(server.backend, job.id, 0, 1)
    edit_batch(server.backend, job.id, 0, is_again=True)
    assert outcomes(server, job) == [True, False, True]
    finalize_job(server.backend, job.id)
    done = server.job(job.id)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (3, 1))
    assert [one["Details"] for one in done.content["FailedInstances"]] == ["The worker died"]  # type: ignore[index, union-attr, call-overload]
    assert len(server.pins()) == 5


def test_nobody_gives_up_what_a_late_worker_has_done(planned: tuple[Server, Job]) -> None:
    server, job = planned
    edit_batch(server.backend, job.id, 0, part=1)
    give_up(server.backend, job.id, 0, 1)
    recorded = read_outcome(server.backend.objects.get(part_key(job, 0, 1)), 0, 1)
    assert recorded is not None
    assert recorded.instances[0].product is not None
    edit_batch(server.backend, job.id, 0)
    give_up(server.backend, job.id, 0, 2)
    assert outcomes(server, job) == [True, True, True]
    assert server.backend.objects.get(part_key(job, 0, 2)) is None


def test_what_was_given_up_is_tried_again_when_the_job_is_resumed(planned: tuple[Server, Job]) -> None:
    server, job = planned
    give_up(server.backend, job.id, 0, 1)
    pause_job(server.backend, job.id)
    resume_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    edit_batch(server.backend, job.id, 0)
    assert outcomes(server, job) == [True, True, True]


@pytest.mark.parametrize("part", [3, 99])
def test_what_was_never_planned_is_not_given_up(planned: tuple[Server, Job], part: int) -> None:
    server, job = planned
    with pytest.raises(InternalError):
        give_up(server.backend, job.id, 0, part)


def test_nothing_is_given_up_of_a_job_that_has_ended(planned: tuple[Server, Job]) -> None:
    server, job = planned
    edit_batch(server.backend, job.id, 0)
    finalize_job(server.backend, job.id)
    ended = server.job(job.id)
    give_up(server.backend, job.id, 0, 1)
    give_up(server.backend, "nope", 0, 1)
    assert server.job(job.id) == ended
    assert server.backend.objects.get(part_key(job, 0, 1)) is None


class LosingRunner(IdleRunner):
    """Has lost the jobs that it is told of."""

    def __init__(self, *lost: str) -> None:
        super().__init__()
        self._lost = lost

    def loss(self, job: Job) -> InternalError | None:
        return InternalError("Nothing runs the job any more") if job.id in self._lost else None


def test_a_look_at_a_job_that_waits_finds_out_that_nothing_runs_the_one_before(
    planned: tuple[Server, Job],
) -> None:
    server, running = planned
    backend = replace(server.backend, runner=LosingRunner(running.id))
    waiting = server.submit(server.pins()[0].ancestry.study)
    assert job_json(backend, waiting)["State"] == "Pending"
    assert server.job(running.id).state is JobState.RUNNING  # a list of jobs does not ask for others
    assert job_json(backend, waiting, is_alone=True)["State"] == "Pending"
    assert server.job(running.id).state is JobState.FAILURE
