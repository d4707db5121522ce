"""Products that are deleted or replaced by clients while a job stores them, or stores them again."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import TransientError
from dicomorph.model.resources import Level, Pin
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.embedded import Server
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study
from tests.workflows.meddling import before_nth, meddled


def half_done(server: Server, source: str) -> Job:
    """Return a job that failed when it had stored some products."""
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    for number in (0, 1):
        edit_batch(server.backend, job.id, number)
    return job


def products(server: Server, source: str) -> list[Pin]:
    return [pin for pin in server.pins() if pin.ancestry.study != source]


def assert_all_is_replaced(server: Server, job: Job) -> None:
    done = server.job(job.id)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert {pin.ancestry.study for pin in server.pins()} == {done.content["ID"]}
    check_files(server)


def test_a_slow_deletion_takes_no_product_that_was_made_again(server: Server) -> None:
    source = study(server)
    job = half_done(server, source)
    abandon_job(server.backend, job.id)

    def go_on() -> None:
        resubmit_job(server.backend, job.id)
        server.finish(job)

    jobs = before_nth(server.backend.jobs, "any_alive", 1, go_on)  # the entries are gone, the files are not
    product = products(server, source)[0].ancestry.study
    delete_resource(replace(server.backend, jobs=jobs), Level.STUDY, product)
    assert_all_is_replaced(server, job)


def test_a_product_that_is_deleted_while_it_is_stored_again_is_made_once_more(server: Server) -> None:
    source = study(server)
    job = half_done(server, source)
    abandon_job(server.backend, job.id)
    removed = server.backend.index.eraser.remove(Level.STUDY, products(server, source)[0].ancestry.study)
    resubmit_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    index = before_nth(
        server.backend.index, "add", 1, lambda: server.backend.objects.discard(removed.objects, pinned=True)
    )
    with pytest.raises(TransientError):
        edit_batch(replace(server.backend, index=index), job.id, 0)
    server.finish(job)
    assert_all_is_replaced(server, job)


def test_a_late_worker_brings_no_deleted_product_back(server: Server) -> None:
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)

    def life_goes_on() -> None:
        delete_resource(server.backend, Level.STUDY, str(server.finish(job).content["ID"]))

    edit_batch(meddled(server, 2, life_goes_on).backend, job.id, 0)
    assert server.pins() == []


def test_a_late_worker_replaces_nothing_that_was_uploaded_since(overwriting: Server) -> None:
    source = study(overwriting)
    body = {**REPLACING, "Keep": ["SOPInstanceUID"], "Force": True, "Replace": {"StudyInstanceUID": "1.2.3"}}
    job = overwriting.submit(source, body=body)
    plan_job(overwriting.backend, job.id)
    marked: list[str] = []

    def life_goes_on() -> None:
        overwriting.finish(job)
        for pin in overwriting.pins():
            changed = overwriting.read(pin)
            changed.StudyDescription = "Uploaded"
            marked.append(pin.ancestry.instance)
            file = io.BytesIO()
            changed.save_as(file)
            store_instance(overwriting.backend, file.getvalue(), remote_ip="")

    objects = before_nth(
        overwriting.backend.objects,
        "put",
        2,
        life_goes_on,
        counts=lambda key, _: key.startswith("instances/"),
    )
    edit_batch(replace(overwriting.backend, objects=objects), job.id, 0)
    assert len(marked) == SOURCES
    assert {overwriting.read(pin).get("StudyDescription") for pin in overwriting.pins()} == {"Uploaded"}
