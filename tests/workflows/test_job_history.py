"""How long a job that ended is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dicomorph.services.jobs.history import listed_jobs
from dicomorph.services.jobs.waiting import wait_for_job
from tests.workflows.embedded import Server, serve


def later(server: Server, **delta: float) -> Server:
    now = server.backend.now
    return Server(replace(server.backend, now=lambda: now() + timedelta(**delta)))


def test_old_jobs_are_forgotten_with_their_documents(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", jobs_history_size=2)
    study = server.upload()["ParentStudy"]
    jobs = [later(server, hours=number).run(study).id for number in range(4)]
    assert [job.id for job in server.backend.jobs.all()] == jobs[2:]
    assert {key.split("/")[1] for key in server.backend.objects.keys("jobs/")} == set(jobs[2:])


@pytest.mark.parametrize("size", [0, 2])
def test_a_job_that_has_just_ended_can_be_waited_for_however_short_the_history_is(
    tmp_path: Path, size: int
) -> None:
    server = serve(tmp_path / "data", jobs_history_size=size)
    study = server.upload()["ParentStudy"]
    jobs = [server.run(study) for _ in range(4)]
    shown = [job.id for job in listed_jobs(server.backend)]
    assert shown == sorted(job.id for job in jobs[4 - size :])
    for job in jobs:
        assert wait_for_job(server.backend, job.id, seconds=0) == job
