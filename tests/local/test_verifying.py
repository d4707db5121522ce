"""All that is at rest is compared: each damage is told, by its kind, and what only changes is not."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import database_file
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import pause_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from local.__main__ import main
from local.arguments import parse_arguments
from local.data_folder import lock_data_folder
from tests.support.earlier_folders import as_version_1
from tests.support.kept_folders import close, filled, images, lose_index
from tests.workflows.embedded import serve
from tests.workflows.five_instances import REPLACING

FILES = 13


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    filled(tmp_path / "data")
    assert main(["--rebuild-index", "--data", str(tmp_path / "data")]) == 0  # all have checksums
    return tmp_path / "data"


def verify(folder: Path, *options: str) -> int:
    return main(["--verify", "--data", str(folder), *options])


def first(folder: Path) -> Path:
    return min((folder / "objects/instances").rglob("*.dcm"))


def test_a_sound_folder_has_no_damage_and_stays_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = images(folder), database_file(folder).read_bytes(), sorted(folder.iterdir())
    capsys.readouterr()
    assert verify(folder, "--names") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Compared {FILES} entries and {FILES} files.",
        "No damage was found.",
    ]
    assert (images(folder), database_file(folder).read_bytes(), sorted(folder.iterdir())) == before


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def duplicate(path: Path) -> None:
    path.with_name(f"{'0' * 32}.dcm").write_bytes(path.read_bytes())


def link(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (Path.unlink, "Entries without their file"),
        (cut, "Files of another size than was stored"),
        (empty, "Files of another size than was stored"),
        (lengthen, "Files of another size than was stored"),
        (flip, "Files of another content than was stored"),
        (duplicate, "Files that nothing refers to"),
        (link, "Files that cannot be read"),
    ],
)
def test_each_damage_of_a_file_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], None], told: str
) -> None:
    path = first(folder)
    harm(path)
    capsys.readouterr()
    assert verify(folder) == 1
    said = capsys.readouterr().out
    assert said.endswith(f"{told}: 1\nDamage was found.\n")
    assert path.parent.name not in said
    assert verify(folder, "--names") == 1
    assert (
        f"{told}: objects/instances/{path.parent.parent.name}/{path.parent.name}/" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE resource SET parent = (SELECT pk FROM resource WHERE level = 0) WHERE level = 3",
        "PRAGMA foreign_keys = OFF; DELETE FROM resource WHERE level = 2",
        "INSERT INTO resource (level, id, main_tags, metadata) VALUES (0, 'x', '{}', '{}')",
        "UPDATE resource SET main_tags = '{' WHERE level = 1",
        "UPDATE resource SET object_key = 'instances/x' WHERE level = 3",
        "UPDATE resource SET object_key = NULL WHERE level = 3",
        "UPDATE total SET count = count + 1",
        "UPDATE total SET bytes = 0 WHERE level = 3",
        "PRAGMA foreign_keys = OFF; INSERT INTO label VALUES (99999, 'x')",
    ],
)
def test_each_fault_within_the_index_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    with closing(sqlite3.connect(database_file(folder))) as index:
        index.executescript(harm)
    capsys.readouterr()
    assert verify(folder) == 1
    assert "Faults within the index: " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["resource", "resource_id", "resource_child", "job"])
def test_damaged_pages_are_told(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with closing(sqlite3.connect(database_file(folder))) as index:
        (page,) = index.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    with database_file(folder).open("r+b") as pages:
        pages.seek((page - 1) * 4096 + 8)
        pages.write(b"\xff" * 512)
    capsys.readouterr()
    assert verify(folder) == 1
    said = capsys.readouterr()
    assert "Faults within the index" in said.out or "index.db is damaged" in said.err


def test_what_cannot_be_compared_is_no_damage(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path / "absent") == 2
    assert not (tmp_path / "absent").exists()
    as_version_1(database_file(folder))
    capsys.readouterr()
    assert verify(folder) == 2
    assert capsys.readouterr().err == "The database is of an earlier version: start the server once\n"
    lose_index(folder)
    assert verify(folder) == 1
    assert "--rebuild-index" in capsys.readouterr().err


def test_a_folder_that_nobody_has_served_has_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock_data_folder(tmp_path / "new").release()
    assert verify(tmp_path / "new") == 0
    assert capsys.readouterr().out == "Compared 0 entries and 0 files.\nNo damage was found.\n"
    assert not database_file(tmp_path / "new").exists()


def test_without_checksums_sizes_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(database_file(folder))) as index:
        index.execute("UPDATE resource SET crc32 = NULL")
        index.commit()
    flip(first(folder))
    capsys.readouterr()
    assert verify(folder) == 0
    assert f"only the size was compared: {FILES}" in capsys.readouterr().out
    cut(first(folder))
    assert verify(folder) == 1


def test_what_waits_for_jobs_or_to_be_erased_is_no_damage(tmp_path: Path, folder: Path) -> None:
    server = serve(folder)
    studies = [str(server.upload(1, study=number)["ParentStudy"]) for number in (21, 22, 23)]
    job = server.submit(studies[0], body=REPLACING)
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    pause_job(server.backend, job.id)
    product = next(key for key in server.files() if job.id in key)
    server.backend.index.eraser.remove(Level.INSTANCE, product.split("/")[2])  # as if it had no entry yet
    server.backend.index.outbox.drop(server.backend.index.outbox.waiting(limit=9))
    server.backend.index.eraser.remove(Level.STUDY, studies[1])  # named in the outbox, and not erased yet
    assert verify(folder) == 0
    close(server)


def test_files_that_come_and_go_meanwhile_are_no_damage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = lock_data_folder(folder)
    server = serve(folder, overwrite_instances=OverwriteInstances.ALWAYS)
    is_over = threading.Event()
    failures: list[BaseException] = []

    def change(patient: str) -> None:
        try:
            while not is_over.is_set():
                uploaded: Any = [server.upload(number, patient=patient) for number in (1, 2, 1, 3)]
                delete_resource(server.backend, Level.PATIENT, uploaded[0]["ParentPatient"])
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=change, args=(f"P{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 2
    statuses = []
    while time.monotonic() < deadline:
        statuses.append(verify(folder))
    is_over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    said = capsys.readouterr()
    assert (set(statuses), said.err) == ({0}, "")
    locked.release()
    close(server)


def test_while_a_server_runs_new_files_may_get_their_entries_yet(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = lock_data_folder(folder)
    duplicate(first(folder))
    assert verify(folder) == 0
    locked.release()
    assert verify(folder) == 1
    assert "Files that nothing refers to: 1" in capsys.readouterr().out


@pytest.mark.parametrize("others", [[], ["--rebuild-index"], ["--backup", "copy"]])
def test_names_are_told_by_a_comparison_alone_and_never_start_a_server(others: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--names", *others])
    assert ended.value.code == 2
