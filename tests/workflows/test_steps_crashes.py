"""A job whose planning and finalization go on step by step, with a crash at any write of any step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.jobs.ending import EndCursor
from dicomorph.jobs.model import Job
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
