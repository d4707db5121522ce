"""What a start does with files: those of earlier versions, and those that an index knows nothing of."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.sqlite.recognition import is_our_database
from dicomorph.embedded.sqlite.versions import SCHEMA_VERSION
from dicomorph.embedded.tidying import Tidying
from dicomorph.jobs.model import JobState
from dicomorph.model.object_keys import product_key
from dicomorph.model.resources import Level
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from local.data_folder import MARKER, lock_data_folder
from tests.support.earlier_folders import as_version
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import Server, files_of, serve, tidy
from tests.workflows.five_instances import REPLACING, SOURCES, study
from tests.workflows.scenarios import keys_of


def assert_only_entries_have_files(server: Server, folder: Path) -> None:
    assert files_of(folder) == {f"objects/{key}" for key in keys_of(server).values()}


def set_aside(folder: Path, key: str, name: str) -> None:
    """Move a file to where version 1 did."""
    target = folder / name / key
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / "objects" / key).rename(target)


def close(server: Server) -> None:
    server.backend.index.catalogue._database.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.RUNNING, JobState.PAUSED])
@pytest.mark.parametrize("aside", ["deleted", "deleted-0123456789abcdef"])
def test_a_folder_of_version_1_opens_with_its_job_in_flight(
    tmp_path: Path, state: JobState, aside: str
) -> None:
    folder = tmp_path / "data"
    server = serve(folder)
    source = study(server)
    last = server.pins()[4]
    key_of_source = last.object.key
    kept, gone = server.upload(1, study=8), server.upload(2, study=9)
    keys = keys_of(server)
    job = server.submit(source, body=REPLACING)
    if state is not JobState.PENDING:
        plan_job(server.backend, job.id)
        edit_batch(server.backend, job.id, 0)
        server.backend.index.eraser.remove(Level.INSTANCE, last.ancestry.instance)
        set_aside(folder, key_of_source, aside)
    if state is JobState.PAUSED:
        pause_job(server.backend, job.id)
    server.backend.index.eraser.remove(Level.INSTANCE, str(gone["ID"]))
    set_aside(folder, keys[str(gone["ID"])], aside)
    set_aside(folder, keys[str(kept["ID"])], aside)  # its entry is back, with the index of last week
    close(server)
    as_version(1, database_file(folder))

    assert is_our_database(database_file(folder))
    lock_data_folder(folder).release()
    server = serve(folder)
    with closing(sqlite3.connect(database_file(folder))) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert tidy(server, folder) == 0
    assert (folder / MARKER).exists()
    assert not (folder / aside).exists()
    stray = files_of(folder) - {f"objects/{key}" for key in keys_of(server).values()}
    assert stray == (set() if state is JobState.PENDING else {f"pinned/{key_of_source}"})
    for pin in server.pins():
        server.read(pin)
    if state is JobState.PAUSED:
        resume_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert_only_entries_have_files(server, folder)


def test_with_the_index_of_last_week_no_file_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = serve(folder)
    source = study(server)
    close(server)
    shutil.copy(database_file(folder), tmp_path / "last-week.db")
    server = serve(folder)
    deleted = server.pins()[0]
    delete_resource(server.backend, Level.INSTANCE, deleted.ancestry.instance)
    added = [server.upload(number, study=8) for number in (1, 2)]
    products = server.run(source, anonymize=True)
    waiting = server.submit(source)
    keys = set(keys_of(server).values())
    documents = {key for key in server.backend.objects.keys("jobs/") if waiting.id in key}
    close(server)
    for left in folder.glob("index.db*"):
        left.unlink()
    shutil.copy(tmp_path / "last-week.db", database_file(folder))
    before = {path.read_bytes() for path in folder.rglob("*.dcm")}

    server = serve(folder)
    of_jobs = list(server.backend.objects.keys("jobs/"))
    moved = tidy(server, folder)
    held = set(keys_of(server).values())
    orphans = keys - held
    assert len(orphans) == len(added) + int(str(products.content["InstancesCount"])) == 2 + SOURCES - 1
    assert moved == len(orphans) + len(of_jobs)
    assert files_of(folder) == {f"objects/{key}" for key in held - {deleted.object.key}} | {
        f"orphans/{key}" for key in orphans
    }
    assert {path.read_bytes() for path in folder.rglob("*.dcm")} == before
    assert list(server.backend.objects.keys("jobs/")) == []
    assert all((folder / "orphans" / key).exists() for key in documents)
    assert tidy(server, folder) == 0


def test_with_the_index_of_last_week_what_jobs_kept_is_back_or_stands_aside(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = serve(folder)
    source = study(server)
    close(server)
    shutil.copy(database_file(folder), tmp_path / "last-week.db")
    server = serve(folder)
    late = server.upload(9)
    late_key = keys_of(server)[str(late["ID"])]
    plan_job(server.backend, server.submit(source).id)
    delete_resource(server.backend, Level.STUDY, source)
    assert len(list((folder / "pinned").rglob("*.dcm"))) == SOURCES + 1
    close(server)
    for left in folder.glob("index.db*"):
        left.unlink()
    shutil.copy(tmp_path / "last-week.db", database_file(folder))
    server = serve(folder)
    tidy(server, folder)
    assert len(server.pins()) == SOURCES
    for pin in server.pins():
        server.read(pin)
    assert files_of(folder) == {f"objects/{pin.object.key}" for pin in server.pins()} | {
        f"orphans/{late_key}"
    }


def test_what_is_written_since_the_start_is_no_orphan(tmp_path: Path) -> None:
    server = serve(tmp_path)
    server.backend.objects.put("instances/ab/abcd/0.dcm", b"x")
    tidying = Tidying(server.backend, tmp_path)
    assert tidying.move_orphans(before=time.time() - 60) == 0
    assert tidying.move_orphans(before=time.time() + 60) == 1
    assert files_of(tmp_path) == {"orphans/instances/ab/abcd/0.dcm"}


def test_amid_jobs_nothing_is_an_orphan_while_one_of_them_is_planned(server: Server, tmp_path: Path) -> None:
    job = server.submit(study(server))
    server.backend.objects.put("instances/ab/abcd/0.dcm", b"x")
    tidying = Tidying(server.backend, tmp_path / "data")
    server.backend.jobs.update(replace(job, state=JobState.RUNNING))
    assert tidying.move_orphans(before=time.time() + 60, starting=False) == 0
    cancel_job(server.backend, job.id)
    assert tidying.move_orphans(before=time.time() + 60, starting=False) == 1
    assert files_of(tmp_path / "data") == {
        "orphans/instances/ab/abcd/0.dcm",
        *(f"objects/{pin.object.key}" for pin in server.pins()),
    }


@pytest.mark.parametrize("ends", [False, True])
def test_what_a_job_in_flight_has_written_or_pinned_is_no_orphan(
    overwriting: Server,
    tmp_path: Path,
    ends: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path / "overwriting"
    source = study(overwriting)
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = overwriting.submit(source, body=body)
    plan_job(overwriting.backend, job.id)
    edit_batch(overwriting.backend, job.id, 0)  # two versions have lost their entries
    product = product_key(job.id, "ab", 1, 1)
    overwriting.backend.objects.put(product, b"x")  # of a worker that died
    if ends:
        cancel_job(overwriting.backend, job.id)
    assert tidy(overwriting, folder) == (3 if ends else 0)
    if ends:
        resubmit_job(overwriting.backend, job.id)
    assert counts(overwriting.finish(job)) == (SOURCES, 0)
    # Of those that were moved aside, the end of the job erases what it replaces.
    left = {f"{'orphans' if ends else 'objects'}/{product}"}
    assert files_of(folder) == {f"objects/{key}" for key in keys_of(overwriting).values()} | left


def test_what_a_living_job_has_pinned_stays_where_it_finds_it_whatever_the_index_says(tmp_path: Path) -> None:
    server = serve(tmp_path)
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    delete_resource(server.backend, Level.STUDY, source)
    server.backend.index.outbox.drop(server.backend.index.outbox.waiting(limit=99))  # by a power cut
    assert tidy(server, tmp_path) == 0
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert_only_entries_have_files(server, tmp_path)


def test_a_file_that_was_taken_by_a_link_is_as_old_as_its_bytes(tmp_path: Path) -> None:
    """A kill between link and entry leaves both names; the start that removes the first one sees it."""
    folder = tmp_path / "data"
    server = serve(folder)
    upload = server.upload()
    (key,) = keys_of(server).values()
    taken = f"{key.rpartition('/')[0]}/{'0' * 32}.dcm"
    body = lock_and_release(folder) / "tmpabcd0123"
    body.write_bytes((folder / "objects" / key).read_bytes())
    started = time.time() - 0.1  # times of files are behind the clock
    os.utime(body, (started - 1, started - 1))
    os.link(body, folder / "objects" / taken)
    lock_and_release(folder)
    assert not body.exists()
    assert Tidying(server.backend, folder).move_orphans(before=started) == 1
    assert files_of(folder) == {f"objects/{key}", f"orphans/{taken}"}
    assert keys_of(server) == {upload["ID"]: key}


def lock_and_release(folder: Path) -> Path:
    found = lock_data_folder(folder)
    found.release()
    return found.spool
