"""Jobs on AWS that nothing runs any more, though nobody asks for them: the schedule finds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError, TransientError
from dicomorph.services.jobs.lost_jobs import fail_lost_jobs
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.next_step import Kind, next_step
from local.functions import Context, load_module
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server

ERASE = Path(__file__).parents[2] / "functions/erase/app.py"


@dataclass
class PartlyLost(IdleRunner):
    """Loses some jobs."""

    gone: set[str] = field(default_factory=set)

    def loss(self, job: Job) -> DicomorphError | None:
        return InternalError("ABORTED") if job.id in self.gone else None


@pytest.fixture
def runner() -> PartlyLost:
    return PartlyLost()


@pytest.fixture
def server(server: Server, runner: PartlyLost) -> Iterator[Server]:
    server.upload()
    settings = replace(server.backend.settings, concurrent_jobs=1)
    yield Server(replace(server.backend, settings=settings, runner=runner))
    bootstrap.use_backend(None)


def _kind(server: Server, job: Job) -> Kind:
    return next_step(server.backend, job.id, 1, {}, Budget()).kind


def _submit(server: Server) -> Job:
    return server.submit(server.pins()[0].ancestry.study, body={})


@pytest.mark.parametrize("has_begun", [True, False])
def test_the_next_job_begins_though_nobody_asks_for_the_one_that_was_lost(
    server: Server,
    runner: PartlyLost,
    has_begun: bool,  # noqa: FBT001
) -> None:
    lost, waiting = _submit(server), _submit(server)
    if has_begun:
        assert _kind(server, lost) is Kind.BATCH
    runner.gone = {lost.id}
    assert _kind(server, waiting) is Kind.WAIT
    fail_lost_jobs(server.backend, seconds=9)
    found = server.job(lost.id)
    assert (found.state, found.error_details) == (JobState.FAILURE, "ABORTED")
    assert _kind(server, waiting) is Kind.BATCH


def test_jobs_that_run_wait_are_paused_or_have_ended_are_left_alone(
    server: Server, runner: PartlyLost
) -> None:
    states = (JobState.PAUSED, JobState.SUCCESS, JobState.FAILURE)
    jobs = [_submit(server) for _ in range(2)]
    jobs += [server.backend.jobs.update(replace(_submit(server), state=state)) for state in states]
    runner.gone = {job.id for job in jobs[2:]}
    before = server.backend.jobs.all()
    fail_lost_jobs(server.backend, seconds=9)
    assert server.backend.jobs.all() == before


def test_lost_jobs_are_found_whatever_becomes_of_the_deletions(server: Server, runner: PartlyLost) -> None:
    class Away:
        def __getattr__(self, _: str) -> Any:
            raise TransientError

    lost = _submit(server)
    runner.gone = {lost.id}
    bootstrap.use_backend(replace(server.backend, objects=Away()))
    with pytest.raises(TransientError):
        load_module(ERASE).lambda_handler({}, Context())
    assert server.job(lost.id).state is JobState.FAILURE


def test_no_more_jobs_are_looked_at_than_there_is_time_for(server: Server, runner: PartlyLost) -> None:
    runner.gone = {_submit(server).id for _ in range(2)}
    before = server.backend.jobs.all()
    fail_lost_jobs(server.backend, seconds=0)
    assert server.backend.jobs.all() == before
