"""Jobs with refused images that crash, pause, or run their steps twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.services.jobs.actions import pause_job, resume_job
from dicomorph.services.work import job_watch
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts, outcome
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import Server, files_of, serve, tidy
from tests.workflows.meddling import meddled
from tests.workflows.mixed_images import (
    check_index,
    in_store,
    submitted,
)
from tests.workflows.scenarios import work


@pytest.fixture(scope="module")
def on_aws() -> Iterator[Server]:
    with aws_server() as (server, _):
        yield server


@pytest.fixture(params=["embedded", "aws"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    if request.param == "embedded":
        return serve(tmp_path / "place")
    found: Server = request.getfixturevalue("on_aws")
    clear()
    return found


def test_a_crash_at_any_write_changes_nothing_in_the_end(tmp_path: Path) -> None:
    for fuse in at_each_write(Fuse):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder)
        job, sources = submitted(server)
        try:
            work(fuse.wrap(server), job)
        except CrashError:
            server = serve(folder)
            assert tidy(server, folder) == 0
            work(server, job)
        done = server.job(job.id)
        assert outcome(done) == (JobState.SUCCESS, 0)
        assert (counts(done), done.content["Flags"]) == ((3, 0), {"Ultrasound": 1})
        assert done.content["Refused"] == {"SlideLabel": 1}
        assert in_store(server) & set(sources) == {sources[1]}
        assert files_of(folder) == {f"objects/{pin.object.key}" for pin in server.pins()}
        check_index(server)
    assert fuse.writes > 10


def test_every_step_may_run_twice(place: Server) -> None:
    job, sources = submitted(place)
    for number in range(plan_job(place.backend, job.id)):
        for _ in range(2):
            edit_batch(place.backend, job.id, number)
            edit_batch(place.backend, job.id, number, part=0)
    for _ in range(2):
        finalize_job(place.backend, job.id)
    done = place.job(job.id)
    assert (counts(done), done.content["Refused"]) == ((3, 0), {"SlideLabel": 1})
    assert in_store(place) & set(sources) == {sources[1]}
    check_index(place)


def test_instances_that_are_edited_in_invocations_of_their_own_are_refused_as_well(server: Server) -> None:
    job, sources = submitted(server)
    for number in range(plan_job(server.backend, job.id)):
        for part in range(2 - number):  # two batches: of two and of one
            edit_batch(server.backend, job.id, number, part=part)
            edit_batch(server.backend, job.id, number, part=part, is_again=True)
    finalize_job(server.backend, job.id)
    done = server.job(job.id)
    assert (counts(done), done.content["Refused"]) == ((3, 0), {"SlideLabel": 1})
    assert in_store(server) & set(sources) == {sources[1]}
    check_index(server)


@pytest.mark.parametrize("moment", [1, 2])
def test_a_job_that_pauses_amid_refusals_goes_on_to_the_same_counts(
    server: Server, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    job, sources = submitted(server)
    meddled(server, moment, lambda: pause_job(server.backend, job.id)).finish(job)
    assert server.job(job.id).state is JobState.PAUSED
    assert in_store(server) >= set(sources)
    resume_job(server.backend, job.id)
    done = server.finish(job)
    assert (counts(done), done.content["Flags"]) == ((3, 0), {"Ultrasound": 1})
    assert done.content["Refused"] == {"SlideLabel": 1}
    assert in_store(server) & set(sources) == {sources[1]}
    check_index(server)
