"""A job whose planning and finalization go on step by step, with a crash at any write of any step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.jobs.documents import encode_outcome, outcome_key, read_outcome
from dicomorph.jobs.ending import EndCursor, Phase
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_further
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import Server, serve
from tests.workflows.scenarios import SCENARIOS, assert_settled, keys_of, upload

ONE_BY_ONE = PlannerLimits(batch_instances=1, small_job_instances=0)


class StepByStep:
    """What a state machine does: each step ends as soon as it may, and is repeated where it failed."""

    def __init__(self) -> None:
        self.steps = 0
        self._draft = ""
        self._batches: int | None = None
        self._cursor = EndCursor()

    def run(self, server: Server, job: Job) -> None:
        while self._batches is None:
            found, self._draft = plan_further(server.backend, job.id, 1, draft=self._draft, budget=Budget(-1))
            self._batches = None if self._draft else found.batches
            self.steps += 1
        for number in range(self._batches):
            edit_batch(server.backend, job.id, number)
        cursor: EndCursor | None = self._cursor
        while cursor is not None:
            self._cursor = cursor
            cursor = finalize_job(server.backend, job.id, cursor=cursor, budget=Budget(-1))
            self.steps += 1


def begin(folder: Path, name: str) -> Server:
    server = serve(folder, overwrite_instances=SCENARIOS[name].overwrite)
    return Server(replace(server.backend, planner_limits=ONE_BY_ONE, documents_at_once=2))


QUICK = ("replacing",)
CASES = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in SCENARIOS]


@pytest.mark.parametrize("name", CASES)
def test_a_crash_at_any_write_of_any_step_changes_nothing_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # One series and one source at a time.
    monkeypatch.setattr("dicomorph.services.work.settle_products._AT_ONCE", 1)
    monkeypatch.setattr("dicomorph.services.work.removals._DELETED_AT_ONCE", 1)
    scenario = SCENARIOS[name]
    for fuse in at_each_write(Fuse):
        server = begin(tmp_path / str(fuse.burns_at), name)
        uploads = upload(server)
        stored = keys_of(server)
        job = scenario.submit(server, uploads)
        workflow = StepByStep()
        try:
            workflow.run(fuse.wrap(server), job)
        except CrashError:
            workflow.run(begin(tmp_path / str(fuse.burns_at), name), job)
        assert_settled(server, job, scenario, stored)
        # Its plan in as many steps as it has batches, its end in two at least.
        assert workflow.steps >= scenario.products + 2
    assert fuse.writes > 10


def test_no_source_goes_after_a_failure_that_a_late_worker_records_between_two_steps(tmp_path: Path) -> None:
    for steps_before in range(12):
        server = begin(tmp_path / str(steps_before), "replacing")
        uploads = upload(server)
        job = SCENARIOS["replacing"].submit(server, uploads)
        found, draft = plan_further(server.backend, job.id, 1)
        assert not draft
        for number in range(found.batches):
            edit_batch(server.backend, job.id, number)
        cursor: EndCursor | None = EndCursor()
        for _ in range(steps_before):
            if cursor is not None and cursor.phase < Phase.REMOVE:
                cursor = finalize_job(server.backend, job.id, cursor=cursor, budget=Budget(-1))
        fail_first(server, found)
        while cursor is not None:
            cursor = finalize_job(server.backend, job.id, cursor=cursor, budget=Budget(-1))
        done = server.job(job.id)
        assert (done.state, done.content["FailedInstancesCount"]) == (JobState.FAILURE, 1)
        assert {one["ID"] for one in uploads} <= {pin.ancestry.instance for pin in server.pins()}


def fail_first(server: Server, job: Job) -> None:
    """Write the outcome of the first batch anew, as a late worker that found its source gone."""
    key = outcome_key(job, 0)
    outcome = read_outcome(server.backend.objects.get(key), 0)
    assert outcome is not None
    failed = replace(outcome.instances[0], product=None, error_code=-1)
    server.backend.objects.put(key, encode_outcome(replace(outcome, instances=(failed,))))
