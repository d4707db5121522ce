"""Products that a job has left which did not succeed: they are named, and nothing but them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import cancel_job, resubmit_job
from dicomorph.services.jobs.left_products import unlisted_products
from dicomorph.services.jobs.view import job_json
from dicomorph.services.store.bulk_delete import bulk_delete
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.aws_server import aws_server
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import SOURCES, check_files, study
from tests.workflows.meddling import failing, meddled

FULL = (JobState.FAILURE, StorageFullError.code)


def content(server: Server, job: Job) -> dict[str, Any]:
    found: Any = job_json(server.backend, server.job(job.id), is_alone=True)["Content"]
    assert isinstance(found, dict)
    return found


def left(server: Server, job: Job) -> list[str]:
    products = content(server, job).get("Products", {"Count": 0, "Resources": []})
    assert products["Count"] == len(products["Resources"])
    return list(products["Resources"])


def stored(server: Server) -> set[str]:
    return {pin.ancestry.instance for pin in server.pins()}


def fail(server: Server, source: str, **body: Any) -> Job:
    """Run a job in which the third instance fails."""
    job = server.submit(source, body=body)
    done = meddled(server, 3, failing(StorageFullError())).finish(job)
    assert (outcome(done), counts(done)) == (FULL, (SOURCES, 1))
    return done


def interrupted(server: Server, source: str, end: Callable[[Server, Job], None]) -> Job:
    """Return a job that ended after its first batch, and amid the second one."""
    job = server.submit(source, body={"KeepSource": False})
    plan_job(server.backend, job.id)
    for number, part in ((0, None), (1, 1)):
        edit_batch(server.backend, job.id, number, part=part)
    end(server, job)
    return server.job(job.id)


def _cancel(server: Server, job: Job) -> None:
    cancel_job(server.backend, job.id)


def _abandon(server: Server, job: Job) -> None:
    abandon_job(server.backend, job.id)


def test_what_failed_and_what_was_left_is_told_until_it_is_done(server: Server) -> None:
    sources = study(server)
    before = stored(server)
    job = fail(server, sources, KeepSource=False)
    assert set(left(server, job)) == stored(server) - before
    [failed] = content(server, job)["FailedInstances"]
    assert failed["ID"] in before
    resubmit_job(server.backend, job.id)
    assert not content(server, job).keys() & {"FailedInstances", "Products"}
    written: list[int] = []
    done = meddled(server, 2, lambda: written.append(1)).finish(job)  # one is missing, none is written twice
    assert (done.state, counts(done), written) == (JobState.SUCCESS, (SOURCES, 0), [])
    assert not content(server, done).keys() & {"FailedInstances", "Products"}
    check_files(server)


@pytest.mark.parametrize("end", [_cancel, _abandon])
def test_a_job_that_was_cancelled_or_given_up_tells_it_too(
    server: Server, end: Callable[[Server, Job], None]
) -> None:
    source = study(server)
    before = stored(server)
    job = interrupted(server, source, end)
    made = stored(server) - before
    assert (set(left(server, job)), len(made)) == (made, 3)
    assert "Products" not in str(job_json(server.backend, job))  # as lists of jobs show it
    bulk_delete(server.backend, {"Resources": [*left(server, job)]})
    assert (left(server, job), stored(server)) == ([], before)
    resubmit_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    check_files(server)


def test_a_cancelled_job_tells_it_on_aws() -> None:
    with aws_server() as (server, _):
        source = study(server)
        before = stored(server)
        job = interrupted(server, source, _cancel)
        assert set(left(server, job)) == stored(server) - before
        done = fail(server, source)
        assert len(left(server, done)) == SOURCES - 1


def test_products_of_earlier_attempts_are_among_them(server: Server) -> None:
    source = study(server)
    before = stored(server)
    job = fail(server, source)
    resubmit_job(server.backend, job.id)
    cancel_job(server.backend, job.id)
    assert set(left(server, job)) == stored(server) - before


def test_products_that_are_gone_or_replaced_are_not(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    source = study(server)
    before = stored(server)
    body = {"Keep": IN_PLACE["Keep"], "Replace": {"PatientID": "CASE"}, "Force": True}
    job = interrupted_into(server, source, body)
    made = sorted(stored(server) - before)
    numbers = {
        pin.ancestry.instance: int(server.read(pin).InstanceNumber)
        for pin in server.pins()
        if pin.ancestry.instance in made
    }
    assert left(server, job) == made
    delete_resource(server.backend, Level.INSTANCE, made[0])
    server.upload(numbers[made[1]], patient="CASE")
    assert left(server, job) == []


def interrupted_into(server: Server, source: str, body: dict[str, Any]) -> Job:
    job = server.submit(source, body=body)
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    cancel_job(server.backend, job.id)
    return server.job(job.id)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_what_was_edited_in_place_is_never_named_to_be_deleted(
    overwriting: Server,
    is_cancelled: bool,  # noqa: FBT001
) -> None:
    source = study(overwriting)
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = interrupted_into(overwriting, source, body) if is_cancelled else fail(overwriting, source, **body)
    assert "Products" not in content(overwriting, job)


def test_nobody_waits_for_very_many_documents(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    job = interrupted(server, study(server), _cancel)
    assert len(unlisted_products(server.backend, job)) == 3
    monkeypatch.setattr("dicomorph.services.jobs.left_products._MOST_DOCUMENTS", 1)
    assert unlisted_products(server.backend, job) == []
