"""Jobs that wait for their turn, as the workflow on AWS asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from dicomorph.jobs.concurrency import Capacity
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError, InternalError
from dicomorph.services.jobs.actions import cancel_job, pause_job, resume_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.next_step import Kind, Step, next_step
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server

TWO_WORKERS = Capacity(workers=2, of_one_job=100)


@pytest.fixture
def server(server: Server) -> Server:
    """A server with one study, whose jobs go by turns."""
    server.upload()
    settings = replace(server.backend.settings, concurrent_jobs=1)
    return Server(replace(server.backend, settings=settings, capacity=lambda: TWO_WORKERS))


def submit(server: Server, **body: object) -> Job:
    return server.submit(server.pins()[0].ancestry.study, body=body)


def ask(server: Server, job: Job, *, seconds: float = 0, execution: int = 1) -> Step:
    """Return what is next for a job, so many seconds after it was submitted."""
    moment = datetime.fromisoformat(job.created) + timedelta(seconds=seconds)
    backend = replace(server.backend, now=lambda: moment)
    return next_step(backend, job.id, execution, {}, Budget())


@pytest.mark.parametrize(
    ("seconds", "wait"), [(0, 5), (49, 5), (300, 30), (7200, 60), (86_000, 60), (90_000, 600)]
)
def test_a_job_waits_the_longer_the_longer_it_has_waited(server: Server, seconds: float, wait: int) -> None:
    first, second = submit(server), submit(server)
    assert ask(server, first).kind is Kind.BATCH
    step = ask(server, second, seconds=seconds)
    assert (step.kind, step.wait, step.cursor) == (Kind.WAIT, wait, {})
    assert server.job(second.id).state is JobState.PENDING


def test_the_next_job_begins_when_the_one_before_has_ended(server: Server) -> None:
    first, second = submit(server), submit(server)
    ask(server, first)
    finalize_job(server.backend, first.id)
    assert ask(server, second).kind is Kind.BATCH
    assert server.job(second.id).state is JobState.RUNNING


def test_a_job_of_a_higher_priority_begins_first(server: Server) -> None:
    low, high = submit(server), submit(server, Priority=1)
    assert ask(server, low).kind is Kind.WAIT
    assert ask(server, high).kind is Kind.BATCH


def test_a_job_that_is_cancelled_while_it_waits_comes_to_its_end(server: Server) -> None:
    first, second = submit(server), submit(server)
    ask(server, first)
    cancel_job(server.backend, second.id)
    assert ask(server, second).kind is Kind.FINALIZE


def test_a_paused_job_makes_room_and_waits_anew_when_it_is_resumed(server: Server) -> None:
    first, second = submit(server), submit(server)
    ask(server, first)
    pause_job(server.backend, first.id)
    assert ask(server, second).kind is Kind.BATCH
    resume_job(server.backend, first.id)
    assert ask(server, first, execution=2).kind is Kind.WAIT
    assert ask(server, first).kind is Kind.FINALIZE  # the execution that was paused


def test_no_more_jobs_run_than_there_are_workers(server: Server) -> None:
    settings = replace(server.backend.settings, concurrent_jobs=None)
    server = Server(replace(server.backend, settings=settings))
    kinds = [ask(server, submit(server)).kind for _ in range(4)]
    assert kinds == [Kind.BATCH, Kind.BATCH, Kind.WAIT, Kind.WAIT]


@dataclass
class PartlyLost(IdleRunner):
    """Loses some jobs: their submission died before there was an execution."""

    never_began: set[str] = field(default_factory=set)

    def loss(self, job: Job) -> DicomorphError | None:
        return InternalError("NOT_FOUND") if job.id in self.never_began else None


@pytest.mark.parametrize("number", [1, 3])
def test_jobs_that_never_began_hold_no_place_once_somebody_asks_for_one_that_waits(
    server: Server, number: int
) -> None:
    runner = PartlyLost()
    server = Server(replace(server.backend, runner=runner))
    corpses = [submit(server) for _ in range(number)]
    waiting, later = submit(server), submit(server)
    runner.never_began = {job.id for job in (*corpses, later)}
    assert ask(server, waiting).kind is Kind.WAIT
    assert job_json(server.backend, server.job(waiting.id), is_alone=True)["State"] == "Pending"
    assert ask(server, waiting).kind is Kind.BATCH
    assert [server.job(job.id).state for job in corpses] == [JobState.FAILURE] * number
    assert server.job(later.id).state is JobState.PENDING, "one behind it is nobody's business here"
