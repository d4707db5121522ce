"""A job is run again after a crash at any of its steps, and ends as if there had been none."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import StorageFullError
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import CrashError, FullDisk, Fuse, at_each_write, burn
from tests.workflows.embedded import files_of, serve, tidy
from tests.workflows.scenarios import SCENARIOS, assert_settled, keys_of, upload, work


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_write_changes_nothing_in_the_end(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    for fuse in at_each_write(Fuse):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder, overwrite_instances=scenario.overwrite)
        uploads = upload(server)
        stored = keys_of(server)
        job = scenario.submit(server, uploads)
        try:
            work(fuse.wrap(server), job)
        except CrashError:
            server = serve(folder, overwrite_instances=scenario.overwrite)
            assert tidy(server, folder) == 0
            work(server, job)
        assert_settled(server, job, scenario, stored)
        # Nothing else is left, without another start.
        assert files_of(folder) == {f"objects/{pin.object.key}" for pin in server.pins()}
    assert fuse.writes > 10


@pytest.mark.parametrize(
    ("name", "refused"), [("replacing", 1), ("replacing", 1000), ("in-place", 1), ("split", 1)]
)
def test_a_disk_that_is_full_at_any_write_loses_nothing(tmp_path: Path, name: str, refused: int) -> None:
    scenario = SCENARIOS[name]
    ends = set()
    for disk in at_each_write(partial(FullDisk, refused=refused)):
        server = serve(tmp_path / str(disk.burns_at), overwrite_instances=scenario.overwrite)
        uploads = upload(server)
        stored = keys_of(server)
        job = scenario.submit(server, uploads)
        with suppress(StorageFullError):
            work(disk.wrap(server), job)
        work(server, job)  # there is space again
        ends.add(server.job(job.id).state)
        if server.job(job.id).state is JobState.SUCCESS:
            assert_settled(server, job, scenario, stored)
        else:
            # Every upload can still be read, at its old version or, edited in place, at its new one.
            assert stored.keys() <= {pin.ancestry.instance for pin in server.pins()}
            for pin in server.pins():
                server.read(pin)
    # An instance that finds no space fails the job, unless there is none to say so either.
    assert ends == {JobState.SUCCESS} | ({JobState.FAILURE} if refused == 1 else set())


def _crash_on_aws(name: str, *, first: int, step: int) -> None:
    """Crash before calls of S3 and DynamoDB that write, one in each run, until a run has no more."""
    scenario = SCENARIOS[name]
    with aws_server(overwrite_instances=scenario.overwrite) as (server, clients):
        fuse = Fuse()
        burn(fuse, *clients)
        last = 0
        for burns_at in range(first, 1000, step):
            clear()
            fuse.burns_at = 0
            uploads = upload(server, f"PAT{burns_at}")
            stored = keys_of(server)
            job = scenario.submit(server, uploads)
            fuse.burns_at, fuse.writes = burns_at, 0
            try:
                work(server, job)
            except CrashError:
                fuse.burns_at = 0
                work(server, job)
            else:
                last = fuse.writes
            assert_settled(server, job, scenario, stored)
            if last:
                break
        assert last > 20


def test_a_crash_at_some_calls_of_aws_changes_nothing_in_the_end() -> None:
    _crash_on_aws("replacing", first=20, step=25)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_call_of_aws_changes_nothing_in_the_end(name: str) -> None:
    _crash_on_aws(name, first=1, step=1)
