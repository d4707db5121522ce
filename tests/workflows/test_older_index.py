"""The index of last week, amid whose jobs it was copied, is put back over the files of today."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.care.rebuilding import rebuild_index
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE
from tests.support.kept_folders import close, images
from tests.workflows.embedded import Server, serve, tidy
from tests.workflows.five_instances import REPLACING, SOURCES, study

BODIES: dict[str, dict[str, Any]] = {
    "in place": {**IN_PLACE, "Replace": {"StudyDescription": "edited"}},
    "replacing": REPLACING,
}
SETTINGS: dict[str, Any] = {"overwrite_instances": OverwriteInstances.ALWAYS}


def begun(server: Server, body: dict[str, Any], batches: int | None) -> str:
    """Return a job that has done some of its batches, or is not even planned."""
    job = server.submit(study(server), body=body)
    if batches is not None:
        assert plan_job(server.backend, job.id) == 3
        for number in range(batches):
            edit_batch(server.backend, job.id, number)
    return job.id


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("batches", [None, 0, 1, 3])
def test_no_file_goes_for_a_job_that_had_ended_since(tmp_path: Path, body: str, batches: int | None) -> None:
    folder = tmp_path / "data"
    server = serve(folder, **SETTINGS)
    job = begun(server, BODIES[body], batches)
    with (
        closing(sqlite3.connect(database_file(folder))) as today,
        closing(sqlite3.connect(tmp_path / "last-week.db")) as copy,
    ):
        today.backup(copy)
    server.finish(server.job(job))
    close(server)
    files = sorted(images(folder).values())
    assert len(files) == SOURCES

    for left in folder.glob("index.db-*"):
        left.unlink()
    shutil.copy(tmp_path / "last-week.db", database_file(folder))
    server = serve(folder, **SETTINGS)
    tidy(server, folder)
    server.finish(server.job(job))
    tidy(server, folder)
    assert sorted(path.read_bytes() for path in folder.rglob("*.dcm")) == files
    close(server)
    rebuild_index(folder, server.backend.settings)
    assert len(serve(folder).pins()) == SOURCES
    assert sorted(images(folder).values()) == files
