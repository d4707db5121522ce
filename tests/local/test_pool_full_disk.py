"""Jobs in worker processes that find no space."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.jobs.waiting import wait_for_job
from tests.local.machine import FullRecords, Machine, ended
from tests.support.jobs import counts


@pytest.mark.parametrize("kind", ["plan", "batch", "finalize"])
def test_a_job_fails_where_its_documents_find_no_space(
    machine: Machine, stored_study: str, tmp_path: Path, kind: str
) -> None:
    server = machine.start(("find-no-space", kind, {}, str(tmp_path / "space")))
    job = server.submit(stored_study, body={"KeepSource": False})
    with pytest.raises(StorageFullError):
        wait_for_job(server.backend, job.id, seconds=60)
    assert server.job(job.id).error_code == StorageFullError.code
    assert len(list(server.backend.index.catalogue.pins(Level.STUDY, stored_study))) == 30
    (tmp_path / "space").touch()
    resubmit_job(server.backend, job.id)
    assert counts(ended(server, job)) == (30, 0)
    assert len(server.pins()) == 30


def test_a_job_that_cannot_even_be_ended_is_not_waited_for(
    machine: Machine, stored_study: str, tmp_path: Path
) -> None:
    full = FullRecords()
    server = machine.start(("find-no-space", "finalize", {}, str(tmp_path / "space")), full=full)
    job = server.submit(stored_study)
    with pytest.raises(StorageFullError):
        wait_for_job(server.backend, job.id, seconds=60)
    assert server.job(job.id).state is JobState.RUNNING
    full.is_full = False
    assert job_json(server.backend, server.job(job.id))["ErrorCode"] == StorageFullError.code
    assert server.job(job.id).state is JobState.FAILURE
