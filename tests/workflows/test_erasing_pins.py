"""Jobs that live keep the files that they have pinned, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.documents import batch_key
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.object_keys import upload_key
from dicomorph.model.resources import Ancestry, Level, ObjectRef
from dicomorph.services.erasure import pins
from dicomorph.services.jobs.actions import cancel_job, pause_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import Server, files_of, serve, tidy
from tests.workflows.five_instances import REPLACING, SOURCES, study
from tests.workflows.meddling import before_nth
from tests.workflows.scenarios import keys_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def _no_plan_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_plans", {})


def other_patient(server: Server) -> str:
    (found,) = {str(server.upload(n, patient="OTHER", study=7)["ParentPatient"]) for n in (1, 2)}
    return found


def keys_below(server: Server, level: Level, resource_id: str) -> set[str]:
    return {pin.object.key for pin in server.backend.index.catalogue.pins(level, resource_id)}


def planned(server: Server, source: str, **body: Any) -> Job:
    job = server.submit(source, body={**REPLACING, **body})
    plan_job(server.backend, job.id)
    return server.job(job.id)


def assert_only_entries_have_files(server: Server, folder: Path) -> None:
    assert files_of(folder) == {f"objects/{key}" for key in keys_of(server).values()}
    assert server.backend.index.outbox.waiting(limit=9) == []


def _running(server: Server, job: Job) -> None:
    edit_batch(server.backend, job.id, 0)


def _paused(server: Server, job: Job) -> None:
    pause_job(server.backend, job.id)


def _resumed(server: Server, job: Job) -> None:
    pause_job(server.backend, job.id)
    resume_job(server.backend, job.id)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("bring", [lambda *_: None, _running, _paused, _resumed])
def test_a_job_keeps_its_sources_and_no_file_of_another_patient(
    server: Server,
    folder: Path,
    bring: Callable[[Server, Job], None],
    restarted: bool,  # noqa: FBT001
) -> None:
    source, patient = study(server), other_patient(server)
    job = planned(server, source)
    sources = keys_below(server, Level.STUDY, source)
    bring(server, job)
    delete_resource(server.backend, Level.PATIENT, patient)
    delete_resource(server.backend, Level.STUDY, source)
    if restarted:
        server = serve(folder)
        assert tidy(server, folder) == 0
    kept = {f"pinned/{key}" for key in sources}
    assert files_of(folder) == kept | {f"objects/{key}" for key in keys_of(server).values()}
    if server.job(job.id).state is JobState.PAUSED:
        resume_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert_only_entries_have_files(server, folder)
    assert len(server.pins()) == SOURCES


@pytest.mark.parametrize("cancelled", [False, True])
def test_of_two_jobs_that_pin_the_same_the_last_lets_it_go(
    server: Server,
    folder: Path,
    cancelled: bool,  # noqa: FBT001
) -> None:
    source = study(server)
    first, second = planned(server, source), planned(server, source)
    sources = keys_below(server, Level.STUDY, source)
    assert counts(server.finish(first)) == (SOURCES, 0)  # its sources are those of the other one
    assert files_of(folder) >= {f"pinned/{key}" for key in sources}
    if cancelled:
        cancel_job(server.backend, second.id)
    else:
        assert counts(server.finish(second)) == (SOURCES, 0)
    assert_only_entries_have_files(server, folder)


@pytest.mark.parametrize("case", ["sources", "in place"])
def test_the_end_of_a_job_erases_what_it_replaces_although_another_is_paused(
    overwriting: Server, tmp_path: Path, case: str
) -> None:
    source = study(overwriting)
    overwriting.upload(1, patient="OTHER", study=7)
    paused = planned(overwriting, str(overwriting.upload(2, patient="OTHER", study=7)["ParentStudy"]))
    pause_job(overwriting.backend, paused.id)
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}} if case == "in place" else REPLACING
    assert counts(overwriting.run(source, body=body)) == (SOURCES, 0)
    assert_only_entries_have_files(overwriting, tmp_path / "overwriting")


@pytest.mark.parametrize("pausing", [False, True])
def test_what_goes_while_a_job_is_planned_stays_until_it_is(
    server: Server,
    folder: Path,
    pausing: bool,  # noqa: FBT001
) -> None:
    source, patient = study(server), other_patient(server)
    others = keys_below(server, Level.PATIENT, patient)
    sources = keys_below(server, Level.STUDY, source)
    job = server.submit(source, body=REPLACING)
    seen: list[set[str]] = []

    def meanwhile() -> None:
        delete_resource(server.backend, Level.PATIENT, patient)
        delete_resource(server.backend, Level.STUDY, source)
        seen.append(files_of(folder))
        if pausing:
            pause_job(server.backend, job.id)

    objects = before_nth(
        server.backend.objects, "put", 1, meanwhile, counts=lambda key, _: "/manifests/" in key
    )
    plan_job(replace(server.backend, objects=objects), job.id)
    assert seen == [{f"pinned/{key}" for key in others | sources}]
    assert files_of(folder) == (set() if pausing else {f"pinned/{key}" for key in sources})
    if not pausing:
        assert counts(server.finish(job)) == (SOURCES, 0)
        assert_only_entries_have_files(server, folder)


def test_a_job_that_has_not_begun_keeps_nothing(server: Server, folder: Path) -> None:
    source = study(server)
    server.submit(source)
    delete_resource(server.backend, Level.STUDY, source)
    assert_only_entries_have_files(server, folder)


@pytest.mark.parametrize("paused", [False, True])
def test_a_plan_of_which_a_part_is_gone_keeps_all_while_it_may_be_made_anew(
    server: Server,
    folder: Path,
    paused: bool,  # noqa: FBT001
) -> None:
    source, patient = study(server), other_patient(server)
    job = planned(server, source)
    if paused:
        pause_job(server.backend, job.id)
    server.backend.objects.put(batch_key(job, 1), b"")
    others = keys_below(server, Level.PATIENT, patient)
    delete_resource(server.backend, Level.PATIENT, patient)
    kept = files_of(folder) - {f"objects/{key}" for key in keys_of(server).values()}
    assert kept == (set() if paused else {f"pinned/{key}" for key in others})
    if paused:
        resume_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert_only_entries_have_files(server, folder)


def test_a_finalization_that_died_erases_at_the_next_try(server: Server, folder: Path) -> None:
    source = study(server)
    job = planned(server, source)
    for number in range(job.batches):
        edit_batch(server.backend, job.id, number)
    server.backend.index.eraser.remove_instances(
        list(server.backend.index.catalogue.pins(Level.STUDY, source))
    )
    server = serve(folder)
    assert tidy(server, folder) == 0
    finalize_job(server.backend, job.id)
    assert_only_entries_have_files(server, folder)


def test_each_plan_is_read_once(server: Server) -> None:
    job = planned(server, study(server))
    read: list[str] = []

    def notice(key: str) -> bool:
        read.append(key)
        return False

    objects = before_nth(server.backend.objects, "get", 99, lambda: None, counts=notice)
    backend = replace(server.backend, objects=objects)
    for number in range(3):
        uploaded = server.upload(number, patient="OTHER", study=7)
        delete_resource(backend, Level.INSTANCE, str(uploaded["ID"]))
    assert len([key for key in read if "/batches/" in key]) == job.batches


def test_what_nobody_ever_stored_is_erased_without_harm(server: Server) -> None:
    ref = ObjectRef(upload_key(Ancestry("p", "t", "s", "i"), b"token"), "", 0)
    server.backend.index.outbox.name([ref])
    kept = str(server.upload()["ID"])
    assert server.backend.index.outbox.waiting(limit=9) == [ref]
    delete_resource(server.backend, Level.INSTANCE, kept)
    server.run(study(server))
    assert server.backend.index.outbox.waiting(limit=9) == []
