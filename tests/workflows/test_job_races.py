"""An action and a step of one job at the same time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, pause_job
from tests.support.jobs import Action, counts, outcome
from tests.workflows.embedded import Server
from tests.workflows.five_instances import CANCELLED, REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import before_each, before_nth


@pytest.mark.parametrize("call", ["refresh", "remove_instances"])
@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_job_that_comes_to_its_end_ends(server: Server, stop: Action, call: str) -> None:
    job = server.submit(study(server), body=REPLACING)
    index = before_each(server.backend.index, call, lambda: stop(server.backend, job.id))
    done = Server(replace(server.backend, index=index)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert len(server.pins()) == SOURCES


@pytest.mark.parametrize("nth", range(1, 6))
def test_whoever_updates_the_record_first_decides(server: Server, nth: int) -> None:
    job = server.submit(study(server), body=REPLACING)
    jobs = before_nth(server.backend.jobs, "update", nth, lambda: cancel_job(server.backend, job.id))
    done = Server(replace(server.backend, jobs=jobs)).finish(job)
    left = len(list(server.backend.index.catalogue.pins(Level.STUDY, str(job.content["ParentResources"][0]))))  # type: ignore[index]
    assert (outcome(done), left) in (((JobState.SUCCESS, 0), 0), (CANCELLED, SOURCES))
    assert (done.state is JobState.SUCCESS) == (nth > 3)  # begun, planned, ending: until then
    check_files(server)
