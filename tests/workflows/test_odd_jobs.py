"""Jobs without instances, without success, under a clock that goes back, and jobs that want the same ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.services.jobs.view import job_json
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.embedded import CALLER, Server
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import failing


def bulk(server: Server, resources: list[Any], **body: Any) -> Job:
    return submit_bulk_modification(
        server.backend, {"Resources": resources, **body}, is_anonymization=True, caller=CALLER
    )


def test_a_job_for_nothing_succeeds_with_nothing(server: Server) -> None:
    done = server.finish(bulk(server, []))
    assert (done.state, counts(done), done.batches) == (JobState.SUCCESS, (0, 0), 0)
    view = job_json(server.backend, done)
    assert (view["Progress"], view["Content"]["Resources"]) == (100, [])  # type: ignore[call-overload, index]


@pytest.mark.parametrize("keep", [True, False])
def test_a_permissive_job_whose_sources_all_vanished_succeeds_with_nothing(
    server: Server,
    keep: bool,  # noqa: FBT001
) -> None:
    source = study(server)
    job = bulk(server, [source], Permissive=True, KeepSource=keep)
    delete_resource(server.backend, Level.STUDY, source)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (0, 0))
    assert (server.pins(), server.files()) == ([], [])


def test_a_permissive_job_of_which_everything_failed_keeps_every_source(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = study(server)
    fail = failing(StorageFullError())
    monkeypatch.setattr("dicomorph.services.work.edit_batch.ProductMaker.make", lambda *_: fail())
    done = server.run(source, body={**REPLACING, "Permissive": True})
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, SOURCES))
    assert "ID" not in done.content
    assert (
        len(list(server.backend.index.catalogue.pins(Level.STUDY, source))) == len(server.pins()) == SOURCES
    )
    check_files(server)


def test_a_clock_that_goes_back_loses_nothing(server: Server) -> None:
    ticks = count()
    now = server.backend.now
    backend = replace(server.backend, now=lambda: now() - timedelta(hours=next(ticks)))
    late = Server(replace(backend, settings=replace(backend.settings, jobs_history_size=0)))
    done = late.run(study(late), body=REPLACING)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    view = job_json(late.backend, done)
    assert (view["EffectiveRuntime"], view["Progress"]) == (0.0, 100)
    check_files(late)


def test_a_product_that_takes_the_id_of_a_source_of_another_job(overwriting: Server) -> None:
    """One job replaces a study; another one writes its product over an instance of that study."""
    source = study(overwriting)
    victim = overwriting.read(overwriting.pins()[0])
    names = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    other = overwriting.upload(1, study=9, patient="OTHER")
    replacing = overwriting.submit(source, body=REPLACING)
    plan_job(overwriting.backend, replacing.id)
    taking = overwriting.submit(
        other["ID"],
        level=Level.INSTANCE,
        body={"Replace": {name: str(victim[name].value) for name in names}, "Force": True},
    )
    assert counts(overwriting.finish(taking)) == (1, 0)
    done = overwriting.finish(replacing)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    # All that was pinned has its product; what the other job wrote stays.
    assert (
        len(list(overwriting.backend.index.catalogue.pins(Level.STUDY, str(done.content["ID"])))) == SOURCES
    )
    (left,) = overwriting.backend.index.catalogue.pins(Level.STUDY, source)
    assert left.object.key.rpartition("/")[2].startswith(taking.id)
    check_files(overwriting)


def test_a_job_of_a_version_that_named_no_plans_is_shown_and_planned_again(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)
    old = server.backend.jobs.update(replace(server.job(job.id), plan=""))
    assert job_json(server.backend, old)["Progress"] == 0
    assert counts(server.finish(job)) == (SOURCES, 0)
    check_files(server)
