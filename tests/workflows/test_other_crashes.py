"""Crashes outside the workflow of a job in the store: while it is submitted, exported, or much is deleted."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.resources import Level
from dicomorph.services.store.bulk_delete import bulk_delete
from tests.contract.indexes import assert_hierarchy_is_true
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import Server, serve
from tests.workflows.scenarios import SCENARIOS, assert_settled, keys_of, upload, work


def documents_of_nobody(server: Server) -> list[str]:
    """Return the documents of jobs that have no record, so that nobody would ever delete them."""
    known = {job.id for job in server.backend.jobs.all()}
    return [key for key in server.backend.objects.keys("jobs/") if key.split("/")[1] not in known]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_during_submission_leaves_no_job_or_one_that_ends(tmp_path: Path, name: str) -> None:
    scenario = SCENARIOS[name]
    ends = set[JobState]()
    for fuse in at_each_write(Fuse):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder, overwrite_instances=scenario.overwrite)
        uploads = upload(server)
        stored = keys_of(server)
        with suppress(CrashError):
            scenario.submit(fuse.wrap(server), uploads)
        server = serve(folder, overwrite_instances=scenario.overwrite)
        assert documents_of_nobody(server) == []
        assert keys_of(server) == stored
        for job in server.backend.jobs.all():
            work(server, job)
            ends.add(server.job(job.id).state)
            if server.job(job.id).state is JobState.SUCCESS:
                assert_settled(server, job, scenario, stored)
            else:
                assert keys_of(server) == stored
    assert ends == {JobState.SUCCESS}  # the record holds what was asked


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_a_crash_amid_an_export_leaves_each_product_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setattr("dicomorph.services.work.product._IN_MEMORY", in_memory)
    for fuse in at_each_write(Fuse):
        folder, out = tmp_path / str(fuse.burns_at), tmp_path / f"{fuse.burns_at}-out"
        server = serve(folder, targets={"out": str(out)})
        stored = upload(server)
        body: dict[str, Any] = {"Target": "out"}
        job: Job = server.submit(stored[0]["ParentStudy"], body=body, anonymize=True)
        kept = keys_of(server)
        try:
            work(fuse.wrap(server), job)
        except CrashError:
            server = serve(folder, targets={"out": str(out)})
            work(server, job)
        done = server.job(job.id)
        assert (done.state, done.content["InstancesCount"]) == (JobState.SUCCESS, 3)
        files = sorted(out.rglob("*.dcm"))
        assert len(files) == 3
        assert {str(pydicom.dcmread(file).PatientIdentityRemoved) for file in files} == {"YES"}
        assert keys_of(server) == kept
    assert fuse.writes > 8


def test_a_bulk_deletion_that_crashed_is_completed_by_the_next(tmp_path: Path) -> None:
    for fuse in at_each_write(Fuse):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder)
        stored = upload(server)
        body: dict[str, Any] = {"Resources": [stored[0]["ParentSeries"], stored[3]["ID"]]}
        with suppress(CrashError):
            bulk_delete(fuse.wrap(server).backend, body)
        server = serve(folder)
        assert_hierarchy_is_true(server.backend.index)
        bulk_delete(server.backend, body)
        assert server.backend.index.catalogue.ids(Level.INSTANCE) == [stored[2]["ID"]]
        assert [key in server.files() for key in keys_of(server).values()] == [True]
    assert fuse.writes > 2
