"""Jobs that are forgotten, or taken back, while somebody else takes them up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import InexistentItemError, TransientError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import delete_job, resubmit_job
from dicomorph.services.jobs.history import listed_jobs, trim_history
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.finalize_job import abandon_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import IdleRunner
from tests.support.jobs import counts
from tests.workflows.crashes import CrashError, Fuse
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import before_nth


def failed(server: Server, source: str) -> Job:
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    abandon_job(server.backend, job.id)
    return server.job(job.id)


def by_client(server: Server, job: Job) -> None:
    with suppress(InexistentItemError):
        delete_job(server.backend, job.id)


def by_history(server: Server, _: Job) -> None:
    now = server.backend.now
    full = replace(server.backend.settings, jobs_history_size=0)
    trim_history(replace(server.backend, settings=full, now=lambda: now() + timedelta(hours=1)))


Forget = Callable[[Server, Job], None]
forgetting = pytest.mark.parametrize("forget", [by_client, by_history])


@forgetting
@pytest.mark.parametrize(("port", "call"), [("objects", "keys"), ("jobs", "update"), ("jobs", "delete")])
def test_a_job_is_forgotten_or_resubmitted_never_both(
    server: Server, forget: Forget, port: str, call: str
) -> None:
    job = failed(server, study(server))
    taken_up: list[bool] = []

    def take_up() -> None:
        with suppress(InexistentItemError):
            resubmit_job(server.backend, job.id)
            taken_up.append(True)

    hooked = {port: before_nth(getattr(server.backend, port), call, 1, take_up)}
    forget(Server(replace(server.backend, **hooked)), job)
    if taken_up:
        assert counts(server.finish(job)) == (SOURCES, 0)
    else:
        assert server.backend.jobs.get(job.id) is None
        assert list(server.backend.objects.keys("jobs/")) == []
    check_files(server)


@forgetting
def test_a_crash_while_a_job_is_forgotten_leaves_nothing_that_can_be_seen_or_taken_up(
    tmp_path: Path, forget: Forget
) -> None:
    fuse = Fuse()
    while fuse.writes >= fuse.burns_at:
        fuse = Fuse(fuse.burns_at + 1)
        server = serve(tmp_path / str(fuse.burns_at))
        job = failed(server, study(server))
        with suppress(CrashError):
            forget(fuse.wrap(server), job)
        if fuse.burns_at > 1:  # the record says it
            assert listed_jobs(server.backend) == []
            with pytest.raises(InexistentItemError):
                resubmit_job(server.backend, job.id)
        forget(server, job)
        trim_history(server.backend)
        assert server.backend.jobs.all() == []
        assert list(server.backend.objects.keys("jobs/")) == []
    assert fuse.writes > 2


def test_a_document_that_is_written_while_its_job_is_forgotten_goes_too(server: Server) -> None:
    job = failed(server, study(server))

    def write_late() -> None:
        server.backend.objects.put(f"jobs/{job.id}/parts/late.json", b"{}")

    jobs = before_nth(server.backend.jobs, "delete", 1, write_late)
    delete_job(replace(server.backend, jobs=jobs), job.id)
    assert list(server.backend.objects.keys("jobs/")) == []


class LostAnswer(IdleRunner):
    """Starts a job, which comes far, and its answer is lost."""

    def __init__(self, server: Server, run: Callable[[Job], object]) -> None:
        super().__init__()
        self._run = run
        self.server = Server(replace(server.backend, runner=self))

    def start(self, job: Job) -> None:
        self._run(job)
        raise TransientError


@pytest.mark.parametrize("steps", ["planned", "done"])
def test_a_job_whose_start_nobody_confirmed_runs_all_the_same(server: Server, steps: str) -> None:
    source = study(server)
    run = server.finish if steps == "done" else lambda job: plan_job(server.backend, job.id)
    job = LostAnswer(server, run).server.submit(source, body=REPLACING)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    check_files(server)


def test_a_job_that_is_taken_back_never_begins(server: Server) -> None:
    source = study(server)
    submitted: list[Job] = []
    with pytest.raises(TransientError):
        LostAnswer(server, submitted.append).server.submit(source, body=REPLACING)
    with pytest.raises(InexistentItemError):
        plan_job(server.backend, submitted[0].id)
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []


@pytest.mark.parametrize("nth", [1, 2])  # when it was planned, and at its end
def test_a_file_that_a_new_job_has_pinned_outlives_the_end_of_an_old_one(
    server: Server, tmp_path: Path, nth: int
) -> None:
    first, second = study(server), str(server.upload(9, study=2)["ParentStudy"])
    old = server.submit(second)
    new: list[Job] = []

    def begin() -> None:
        new.append(server.submit(first))
        plan_job(server.backend, new[0].id)
        delete_resource(server.backend, Level.STUDY, first)

    # The records were read, and said that no other job is alive.
    index = before_nth(server.backend.index, "waiting", nth, begin)
    Server(replace(server.backend, index=index)).finish(old)
    assert counts(server.finish(new[0])) == (SOURCES, 0)
    assert len(server.pins()) == SOURCES + 2
    assert list(tmp_path.glob("data/pinned/**/*.dcm")) == []
