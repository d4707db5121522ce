"""What is written to the disk, and when: before a source goes, all that takes its place is there."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import cancel_job, pause_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import Action
from tests.workflows.embedded import Server, serve
from tests.workflows.scenarios import SCENARIOS, upload, work


class Disk:
    """What reaches the disk, in order: files, folders, commits; and what is deleted."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.events: list[tuple[str, str]] = []

    def add(self, event: str, path: str = "") -> None:
        self.events.append((event, path.removeprefix(f"{self._root}/objects/")))

    def named(self, event: str, start: str = "") -> list[str]:
        return [path for one, path in self.events if one == event and path.startswith(start)]

    def first(self, event: str, start: str = "") -> int:
        return next(i for i, one in enumerate(self.events) if one[0] == event and one[1].startswith(start))

    def last(self, event: str, start: str = "") -> int:
        found = [i for i, one in enumerate(self.events) if one[0] == event and one[1].startswith(start)]
        return found[-1]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Record what the process asks of the kernel, and how SQLite is told to commit."""
    disk = Disk(tmp_path / "data")
    fsync, unlink, connect = os.fsync, os.unlink, sqlite3.connect

    def recorded_fsync(descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)
        disk.add("folder" if Path(path).is_dir() else "file", path)

    def recorded_unlink(path: Any, **options: Any) -> None:
        unlink(path, **options)
        disk.add("unlink", str(path))

    class Connection(sqlite3.Connection):
        level = ""

        def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
            if statement.startswith("PRAGMA synchronous"):
                self.level = statement.rpartition(" ")[2]
            answer = super().execute(statement, *args)
            if statement == "COMMIT":
                disk.add(f"commit {self.level}")
            return answer

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "unlink", recorded_unlink)
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kw: connect(*args, factory=Connection, **kw))
    return disk


def run(server: Server, disk: Disk, name: str) -> tuple[set[str], set[str]]:
    """Run a job and record it alone; return the keys of the sources and of the products."""
    uploads = upload(server)
    sources = {pin.object.key for pin in server.pins()}
    job = SCENARIOS[name].submit(server, uploads)
    disk.events.clear()
    work(server, job)
    return sources, {pin.object.key for pin in server.pins()} - sources


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", ["replacing", "in-place", "bulk", "split", "merge"])
def test_all_that_replaces_a_source_is_on_the_disk_before_it_goes(
    tmp_path: Path,
    disk: Disk,
    name: str,
    sync: bool,  # noqa: FBT001
) -> None:
    server = serve(tmp_path / "data", overwrite_instances=SCENARIOS[name].overwrite, sync_storage_area=sync)
    sources, products = run(server, disk, name)
    gone = [key for key in disk.named("unlink", "instances/") if key in sources]
    assert gone
    unlinked = disk.first("unlink", "instances/")
    before = disk.events[:unlinked]
    assert {path for event, path in before if event == "file"} >= products
    folders = {path for event, path in before if event == "folder"}
    assert folders >= {key.rpartition("/")[0] for key in products} | {"instances"}
    # Of each product: the file, then its folder, then the index.
    for key in products:
        assert disk.first("file", key) < disk.first("folder", key.rpartition("/")[0])
    written = max(number for number, event in enumerate(before) if event == ("folder", "instances"))
    assert written < max(number for number, (event, _) in enumerate(before) if event == "commit FULL")
    # The entries of the sources are off the disk before their files: none may come back.
    if name != "in-place":
        commits = [number for number, (event, _) in enumerate(before) if event == "commit FULL"]
        assert len(commits) >= 2


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", ["keeping", "replacing", "bulk"])
def test_what_is_asked_for_lasts_as_long_as_the_record_of_the_job(
    tmp_path: Path,
    disk: Disk,
    name: str,
    sync: bool,  # noqa: FBT001
) -> None:
    server = serve(tmp_path / "data", sync_storage_area=sync)
    uploads = upload(server)
    disk.events.clear()
    job = SCENARIOS[name].submit(server, uploads)
    documents = set(server.backend.objects.keys(f"jobs/{job.id}/"))
    assert len(documents) == (2 if name == "bulk" else 1)
    waits = sync or not job.keep_source
    assert set(disk.named("file", "jobs/")) == (documents if waits else set())
    assert (f"jobs/{job.id}" in disk.named("folder")) == waits


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", ["keeping", "replacing", "bulk"])
def test_a_plan_is_on_the_disk_before_the_record_says_that_there_is_one(
    tmp_path: Path,
    disk: Disk,
    name: str,
    sync: bool,  # noqa: FBT001
) -> None:
    server = serve(tmp_path / "data", sync_storage_area=sync)
    job = SCENARIOS[name].submit(server, upload(server))
    before = set(server.backend.objects.keys(f"jobs/{job.id}/"))
    disk.events.clear()
    assert plan_job(server.backend, job.id) > 0
    documents = set(server.backend.objects.keys(f"jobs/{job.id}/")) - before
    waits = sync or not job.keep_source
    assert len(documents) >= 2
    assert set(disk.named("file", "jobs/")) == (documents if waits else set())
    commit = "commit FULL" if disk.named("commit FULL") else "commit NORMAL"
    assert not waits or disk.last("file", "jobs/") < disk.last(commit)


def test_entries_that_wait_for_nothing_are_on_the_disk_once_somebody_asks(tmp_path: Path, disk: Disk) -> None:
    server = serve(tmp_path / "data", sync_storage_area=False)
    server.upload()
    disk.events.clear()
    server.backend.index.ingest.sync()
    assert disk.named("commit FULL")


def test_nothing_is_synced_for_each_instance(tmp_path: Path, disk: Disk) -> None:
    server = serve(tmp_path / "data", sync_storage_area=True)
    _, products = run(server, disk, "keeping")
    batches = 2
    # Each batch writes its products first and syncs them together afterwards.
    synced = [path for event, path in disk.events if event in ("file", "folder")]
    runs = [path.startswith("instances/") and path.endswith(".dcm") for path in synced]
    starts = sum(is_product and not before for before, is_product in zip([False, *runs], runs, strict=False))
    assert starts == batches
    assert len([path for path in synced if path in products]) == len(products)


def test_without_the_setting_uploads_and_kept_sources_wait_for_nothing(tmp_path: Path, disk: Disk) -> None:
    server = serve(tmp_path / "data", sync_storage_area=False)
    server.upload(9)
    assert [event for event, _ in disk.events if event in ("file", "folder")] == []
    run(server, disk, "keeping")
    assert {event for event, _ in disk.events} == {"commit NORMAL"}


def test_with_the_setting_an_upload_is_on_the_disk_before_it_is_answered(tmp_path: Path, disk: Disk) -> None:
    server = serve(tmp_path / "data", sync_storage_area=True)
    disk.events.clear()
    server.upload()
    (key,) = server.files()
    assert disk.first("file", key) < disk.first("folder", key.rpartition("/")[0]) < disk.last("commit FULL")


def test_an_upload_that_replaces_another_is_on_the_disk_whatever_the_setting(
    tmp_path: Path, disk: Disk
) -> None:
    server = serve(tmp_path / "data", sync_storage_area=False, overwrite_instances=OverwriteInstances.ALWAYS)
    server.upload()
    (old,) = server.files()
    disk.events.clear()
    server.upload(StudyDescription="Another")
    (new,) = server.files()
    assert disk.first("file", new) < disk.last("commit FULL") < disk.first("unlink", old)


@pytest.mark.parametrize("sync", [False, True])
def test_an_entry_is_off_the_disk_before_its_file(tmp_path: Path, disk: Disk, sync: bool) -> None:  # noqa: FBT001

    server = serve(tmp_path / "data", sync_storage_area=sync)
    study = server.upload()["ParentStudy"]
    disk.events.clear()
    delete_resource(server.backend, Level.STUDY, study)
    assert disk.first("commit FULL") < disk.first("unlink", "instances/")


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("level", list(Level))
def test_a_deletion_is_on_the_disk_before_it_is_answered_and_forgotten(
    tmp_path: Path,
    disk: Disk,
    sync: bool,  # noqa: FBT001
    level: Level,
) -> None:
    server = serve(tmp_path / "data", sync_storage_area=sync)
    server.upload(2, series=2)
    ids = {Level.INSTANCE: "ID"}
    uploaded = server.upload()[ids.get(level, f"Parent{level.value}")]
    disk.events.clear()
    delete_resource(server.backend, level, uploaded)
    synced = disk.last("folder")
    assert disk.first("commit FULL") < disk.last("unlink", "instances/") < synced
    # Only then the orders to erase are dropped.
    assert [event for event, _ in disk.events].index(
        f"commit {'FULL' if sync else 'NORMAL'}", synced
    ) > synced
    assert server.backend.index.outbox.waiting(limit=9) == []


def test_what_a_job_has_replaced_is_off_the_disk_before_it_is_forgotten(tmp_path: Path, disk: Disk) -> None:
    server = serve(tmp_path / "data", sync_storage_area=False)
    sources, _ = run(server, disk, "replacing")
    gone = sources - {pin.object.key for pin in server.pins()}
    assert gone
    assert set(disk.named("unlink", "instances/")) == gone
    assert disk.last("unlink", "instances/") < disk.last("folder", "instances")
    assert server.backend.index.outbox.waiting(limit=9) == []


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_stop_is_on_the_disk_before_it_is_answered(tmp_path: Path, disk: Disk, stop: Action) -> None:
    server = serve(tmp_path / "data", sync_storage_area=False)
    job = server.submit(server.upload()["ParentStudy"], body={"KeepSource": False})
    disk.events.clear()
    stop(server.backend, job.id)
    assert disk.named("commit FULL")
