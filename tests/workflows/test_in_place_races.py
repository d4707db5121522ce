"""Instances that are edited in place while others write or delete them: nobody's version is lost unseen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.crashes import CrashError
from tests.workflows.embedded import Server
from tests.workflows.five_instances import SOURCES, check_files, study
from tests.workflows.meddling import Event, before_nth, failing, meddled

BODY = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
CHANGED = (JobState.FAILURE, 2018)


def planned(server: Server, source: str, **body: Any) -> Job:
    job = server.submit(source, body={**BODY, **body})
    plan_job(server.backend, job.id)
    return server.job(job.id)


def instances(server: Server, batch: int = 0) -> list[str]:
    """Return the sources of a batch: they are planned in the order of their ids."""
    ids = sorted(pin.ancestry.instance for pin in server.pins())
    return ids[2 * batch : 2 * batch + 2]


def number_of(server: Server, instance: str) -> int:
    (pin,) = server.backend.index.catalogue.pins_of([instance])
    return int(server.read(pin).InstanceNumber)


def descriptions(server: Server) -> dict[str, str]:
    return {pin.ancestry.instance: server.read(pin).get("StudyDescription", "") for pin in server.pins()}


@pytest.fixture(params=["before it is edited", "before it is stored"])
def edit(request: pytest.FixtureRequest) -> Callable[[Server, Job, Event], None]:
    """Edit all batches, while something happens to an instance of the first one."""

    def run(server: Server, job: Job, event: Event) -> None:
        index = server.backend.index
        if request.param == "before it is edited":
            event()
        else:
            index = before_nth(index, "add", 1, event)
        for number in range(job.batches):
            edit_batch(replace(server.backend, index=index), job.id, number)

    return run


def test_an_upload_amid_the_job_is_not_replaced_by_what_it_replaced(
    overwriting: Server, edit: Callable[[Server, Job, Event], None]
) -> None:
    source = study(overwriting)
    victim = instances(overwriting)[1]
    number = number_of(overwriting, victim)
    job = planned(overwriting, source)
    edit(overwriting, job, lambda: overwriting.upload(number, StudyDescription="Uploaded"))
    finalize_job(overwriting.backend, job.id)
    assert (outcome(overwriting.job(job.id)), counts(overwriting.job(job.id))) == (CHANGED, (SOURCES, 1))
    found = descriptions(overwriting)
    assert found.pop(victim) == "Uploaded"
    assert set(found.values()) == {"New"}
    check_files(overwriting)


def test_what_is_deleted_amid_the_job_does_not_come_back(
    overwriting: Server, edit: Callable[[Server, Job, Event], None]
) -> None:
    source = study(overwriting)
    victim = instances(overwriting)[0]
    job = planned(overwriting, source, Permissive=True)
    edit(overwriting, job, lambda: delete_resource(overwriting.backend, Level.INSTANCE, victim))
    finalize_job(overwriting.backend, job.id)
    done = overwriting.job(job.id)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 1))
    assert victim not in descriptions(overwriting)
    assert len(overwriting.pins()) == SOURCES - 1
    check_files(overwriting)


def test_a_study_that_is_deleted_amid_the_job_does_not_come_back(overwriting: Server) -> None:
    source = study(overwriting)
    job = planned(overwriting, source)
    edit_batch(overwriting.backend, job.id, 0)
    delete_resource(overwriting.backend, Level.STUDY, source)
    assert counts(overwriting.finish(job)) == (SOURCES, 3)
    assert overwriting.backend.index.catalogue.ids(Level.PATIENT) == []
    check_files(overwriting)


def test_a_late_worker_leaves_an_upload_and_labels_alone(overwriting: Server) -> None:
    source = study(overwriting)
    first, second = instances(overwriting)
    number = number_of(overwriting, second)
    job = planned(overwriting, source)
    label = frozenset({"seen"})

    def life_goes_on() -> None:
        assert counts(overwriting.finish(job)) == (SOURCES, 0)
        overwriting.upload(number, StudyDescription="Uploaded")
        overwriting.backend.index.annotations.set_labels(Level.INSTANCE, first, add=label, remove=frozenset())

    late = before_nth(overwriting.backend.index, "add", 1, life_goes_on)
    edit_batch(replace(overwriting.backend, index=late), job.id, 0)
    assert descriptions(overwriting)[second] == "Uploaded"
    found = overwriting.backend.index.catalogue.get(Level.INSTANCE, first)
    assert found is not None
    assert found.labels == label
    for pin in overwriting.pins():
        overwriting.read(pin)


def test_a_worker_that_dies_before_it_has_told_can_be_done_again(overwriting: Server) -> None:
    source = study(overwriting)
    job = planned(overwriting, source)
    dies = before_nth(
        overwriting.backend.objects,
        "put",
        1,
        failing(CrashError()),
        counts=lambda key, _: "/outcomes/" in key,
    )
    with suppress(CrashError):
        edit_batch(replace(overwriting.backend, objects=dies), job.id, 0)
    for number in (1, 2):
        edit_batch(overwriting.backend, job.id, number)
    finalize_job(overwriting.backend, job.id)
    assert counts(overwriting.job(job.id)) == (SOURCES, 2)
    resubmit_job(overwriting.backend, job.id)
    written: list[int] = []
    done = meddled(overwriting, 1, lambda: written.append(1)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert written == []
    assert set(descriptions(overwriting).values()) == {"New"}
    check_files(overwriting)
