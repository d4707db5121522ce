"""Clients that cancel or pause a job before one of the calls of its workflow, and what must hold then."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import JobEndsError
from dicomorph.model.resources import Pin
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.contract.indexes import assert_hierarchy_is_true
from tests.support.jobs import Action, outcome
from tests.workflows.crashes import Fuse
from tests.workflows.embedded import Server
from tests.workflows.five_instances import CANCELLED, check_files
from tests.workflows.scenarios import Scenario, assert_settled, upload, work

_STOPPED: dict[Action, tuple[JobState, int]] = {cancel_job: CANCELLED, pause_job: (JobState.PAUSED, 0)}
_AGAIN: dict[Action, Action] = {cancel_job: resubmit_job, pause_job: resume_job}


class Answer(enum.Enum):
    """What a client hears who stops a job."""

    STOPPED = "it is stopped"
    TOO_LATE = "it comes to its end"
    ENDED = "it had ended"


@dataclass
class Client(Fuse):
    """Stops a job once, before one of the calls, and remembers how the job stood right after the answer."""

    server: Server = field(kw_only=True)
    action: Action = field(kw_only=True)
    job: Job = field(kw_only=True)
    answer: Answer | None = None

    def write(self) -> None:
        """Count a call that is about to happen."""
        self.writes += 1
        if self.writes == self.burns_at:
            self._stop()

    def _stop(self) -> None:
        before = self.server.job(self.job.id)
        try:
            self.action(self.server.backend, self.job.id)
        except JobEndsError:
            self.answer = Answer.TOO_LATE
        else:
            self.answer = Answer.ENDED if before.state.is_final else Answer.STOPPED
        self.job = self.server.job(self.job.id)
        if self.answer is not Answer.STOPPED:
            assert self.job == before


@dataclass(frozen=True)
class Place:
    """Where a job runs.

    Parameters
    ----------
    begin : Callable[[int], Server]
        Return an empty server for a number.
    restart : Callable[[int], Server]
        Return another one with what is stored there.
    watch : Callable[[Server, Client], Server]
        Return a server whose calls are counted by a client.
    """

    begin: Callable[[int], Server]
    restart: Callable[[int], Server]
    watch: Callable[[Server, Client], Server] = lambda server, client: client.wrap(server)


def stop_before_each(
    calls: Iterable[int], scenario: Scenario, action: Action, place: Place, *, reads: bool = False
) -> set[Answer]:
    """Run a job for each number of a call, stopped before that call, until a job has no call of the number.

    Parameters
    ----------
    reads : bool
        Whether calls that only read are counted, too.

    Returns
    -------
    set[Answer]
        What the clients have heard; that it was true has been checked.
    """
    answers: set[Answer] = set()
    for number in calls:
        server = place.begin(number)
        uploads = upload(server)
        stored = server.pins()
        job = scenario.submit(server, uploads)
        client = Client(number, counts_reads=reads, server=server, action=action, job=job)
        work(place.watch(server, client), job)
        server = place.restart(number)
        if client.answer is Answer.STOPPED:
            _check_that_it_holds(server, client, stored, scenario)
            _AGAIN[action](server.backend, job.id)
            server.finish(job)
        assert_settled(server, job, scenario, {pin.ancestry.instance: pin.object.key for pin in stored})
        check_files(server)
        if client.answer is None:
            return answers
        answers.add(client.answer)
    return answers


def _check_that_it_holds(server: Server, client: Client, stored: list[Pin], scenario: Scenario) -> None:
    """Check that a stopped job stays stopped, whatever is left of its workflow, and has lost nothing."""
    stopped = client.job
    assert outcome(stopped) == _STOPPED[client.action]
    held = server.pins()
    _run_what_is_left(server, stopped)
    assert (server.backend.jobs.all(), server.pins()) == ([stopped], held)
    assert server.backend.objects.are_stored([pin.object for pin in stored])
    for pin in held:
        server.read(pin)
    if scenario.overwrite is OverwriteInstances.NEVER:
        assert set(stored) <= set(held)
    else:  # what was edited in place may be held at its new version
        assert {pin.ancestry for pin in stored} == {pin.ancestry for pin in held}
    assert_hierarchy_is_true(server.backend.index)


def _run_what_is_left(server: Server, job: Job) -> None:
    """Run every task that an execution may still deliver late, or a new start of the server repeat."""
    assert plan_job(server.backend, job.id) == 0
    for number in range(job.batches):
        edit_batch(server.backend, job.id, number)
        edit_batch(server.backend, job.id, number, part=0)
    finalize_job(server.backend, job.id)
    abandon_job(server.backend, job.id)
