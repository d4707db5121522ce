"""A backup, made while a server works or not, is a data folder with all that was there."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.care.backing_up import _ROUNDS, _Backup
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from local.__main__ import main
from local.data_folder import BACKUP, lock_data_folder
from local.index_state import require_index
from tests.support.earlier_folders import as_version_1
from tests.support.jobs import IN_PLACE, counts
from tests.support.kept_folders import close, filled, images, lose_index, other_rows, rows
from tests.workflows.embedded import Server, serve, tidy
from tests.workflows.five_instances import REPLACING, study
from tests.workflows.scenarios import keys_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "monday"


def back_up(data: Path, target: Path) -> int:
    return main(["--backup", str(target), "--data", str(data)])


def check(folder: Path) -> list[tuple[Any, ...]]:
    """Open a backup as a start does, and see that entries and files belong together; return its rows."""
    assert main(["--verify", "--data", str(folder)]) == 0
    copy = folder.with_name("opened")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    lock_data_folder(copy).release()
    require_index(copy)
    server = serve(copy)
    assert tidy(server, copy) == 0
    for pin in server.pins():
        server.read(pin)
    assert set(server.files()) >= {pin.object.key for pin in server.pins()}
    close(server)
    return rows(folder)


def test_a_backup_is_a_data_folder_with_all_that_was_there(data: Path, backup: Path) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    assert check(backup) == rows(data)
    assert other_rows(backup) == other_rows(data)
    assert images(backup) == images(data)
    documents = {
        path.relative_to(data): path.read_bytes() for path in (data / "objects/jobs").rglob("*.json")
    }
    assert {path: (backup / path).read_bytes() for path in documents} == documents != {}
    for name in images(data):
        place = f"objects/instances/{name}"
        assert (backup / place).samefile(data / place)
    assert {path.stat().st_mode & 0o077 for path in backup.rglob("*")} == {0}


def test_files_are_copied_where_they_cannot_be_linked(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link = os.link

    def refuse(source: Any, target: Any, **options: Any) -> None:
        if str(source).startswith(str(data)):
            raise OSError(errno.EXDEV, "another file system")
        link(source, target, **options)

    monkeypatch.setattr(os, "link", refuse)
    filled(data)
    for number in ("13", "0"):
        assert back_up(data, backup) == 0
        assert f", {number} new files" in capsys.readouterr().out or number == "13"
        assert check(backup) == rows(data)
        assert images(backup) == images(data)
    name = min(images(data))
    assert not (backup / f"objects/instances/{name}").samefile(data / f"objects/instances/{name}")


def test_the_next_backup_brings_what_is_new_and_lets_go_what_is_gone(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = filled(data)
    assert back_up(data, backup) == 0
    server = serve(data, overwrite_instances=OverwriteInstances.ALWAYS)
    server.upload(1)  # another version
    server.upload(1, study=9)
    server.run(found, body=IN_PLACE)
    other = next(pin for pin in server.pins() if pin.ancestry.study != found)
    delete_resource(server.backend, Level.STUDY, other.ancestry.study)
    close(server)
    assert back_up(data, backup) == 0
    assert check(backup) == rows(data)
    assert images(backup) == images(data)
    assert back_up(data, backup) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("0 new files, 0 gone.")


def test_files_that_are_linked_elsewhere_are_never_changed(data: Path, tmp_path: Path) -> None:
    server = serve(data, overwrite_instances=OverwriteInstances.ALWAYS)
    found = study(server)
    job = server.submit(found, body=IN_PLACE)
    links: dict[Path, bytes] = {}

    def link_all() -> None:
        for path in [path for path in data.glob("objects/**/*") if path.is_file()]:
            target = tmp_path / str(len(links))
            os.link(path, target)
            links[target] = path.read_bytes()

    link_all()
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
        link_all()
    edit_batch(server.backend, job.id, 0)
    finalize_job(server.backend, job.id)
    finalize_job(server.backend, job.id)
    link_all()
    server.upload(1)
    delete_resource(server.backend, Level.STUDY, found)
    close(server)
    assert len(links) > 20
    assert {path: path.read_bytes() for path in links} == links


def test_a_folder_of_others_is_no_place_for_a_backup(
    data: Path, backup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/letter.txt").touch()
    filled(tmp_path / "served")
    lock_data_folder(tmp_path / "served").release()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for target in ("other", "served", "data", "data/backup", ".", "other/letter.txt"):
        assert back_up(data, tmp_path / target) == 2, target
        said = capsys.readouterr().err
        assert said.startswith("Cannot back up to")
        assert said.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert back_up(tmp_path / "other", backup) == 2
    assert not backup.exists()


def test_a_backup_that_was_served_is_none_any_more(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    folder = lock_data_folder(backup)
    assert back_up(data, backup) == 2
    assert "Another server" in capsys.readouterr().err
    require_index(backup)  # as a start does
    folder.release()
    assert back_up(data, backup) == 2
    assert "has been served" in capsys.readouterr().err


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_damaged_index_does_not_take_the_place_of_a_good_one(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str], *, is_lost: bool
) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    before = rows(backup), images(backup)
    if is_lost:
        lose_index(data)
    else:
        with closing(sqlite3.connect(database_file(data))) as index:
            (page,) = index.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'resource_id'"
            ).fetchone()
        with database_file(data).open("r+b") as pages:
            pages.seek((page - 1) * 4096 + 8)
            pages.write(b"\xff" * 512)
    assert back_up(data, backup) == 2
    assert "--rebuild-index" in capsys.readouterr().err
    assert (rows(backup), images(backup)) == before
    check(backup)


def test_what_the_data_folder_has_lost_a_backup_keeps(
    data: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    before = rows(data), images(data)
    lost = data / "objects/instances" / min(before[1])
    lost.unlink()
    assert back_up(data, backup) == 1
    assert "has lost 1 files (--verify --names); this backup has 1 of them" in capsys.readouterr().err
    assert (check(backup), images(backup)) == before
    shutil.rmtree(backup)
    assert back_up(data, backup) == 1
    assert "this backup has 0 of them" in capsys.readouterr().err
    assert held(backup) == held(data) - {lost.parent.name}
    check(backup)


def test_of_two_files_the_one_that_is_right_is_kept(data: Path, backup: Path) -> None:
    filled(data)
    assert main(["--rebuild-index", "--data", str(data)]) == 0  # now there are checksums in any case
    assert back_up(data, backup) == 0
    good = images(data)
    here, there = sorted(good)[:2]
    for folder, name in ((data, here), (backup, there)):
        path = folder / "objects/instances" / name
        path.unlink()  # so that it is another file
        path.write_bytes(good[name][:-1] + b"!")
    assert back_up(data, backup) == 0
    assert images(backup) == good


def test_a_folder_of_version_1_is_backed_up_as_one_of_today(data: Path, backup: Path) -> None:
    filled(data)
    before = rows(data)
    as_version_1(database_file(data))
    old = database_file(data).read_bytes()
    assert back_up(data, backup) == 0
    assert [row[:10] for row in check(backup)] == [row[:10] for row in before]
    assert database_file(data).read_bytes() == old


Deed = Callable[[], object]


def amid(monkeypatch: pytest.MonkeyPatch, *, before: Deed = lambda: None, after: Deed = lambda: None) -> None:
    """Let something happen each time before, or after, the index is copied."""
    copy = _Backup._copy_index

    def copied(self: _Backup) -> None:
        before()
        copy(self)
        after()

    monkeypatch.setattr(_Backup, "_copy_index", copied)


def held(folder: Path) -> set[str]:
    return {str(row[1]) for row in rows(folder) if row[0] == 3}


def test_what_is_deleted_amid_a_backup_has_its_file_there_or_no_entry(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(data)
    kept = str(server.upload(1)["ID"])
    young: list[dict[str, Any]] = []
    amid(
        monkeypatch,
        before=lambda: young.append(server.upload(len(young) + 1, study=2)),
        after=lambda: (
            delete_resource(server.backend, Level.INSTANCE, young[0]["ID"]) if len(young) == 1 else None
        ),
    )
    assert back_up(data, backup) == 0
    assert held(backup) == {kept, *(one["ID"] for one in young[1:])}
    assert len(young) == 2
    check(backup)
    close(server)


def test_what_is_replaced_amid_a_backup_is_there_in_one_version(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(data, overwrite_instances=OverwriteInstances.ALWAYS)
    server.upload(1)
    replacing: list[threading.Thread] = []

    def replace() -> None:
        # As a server would, in a process of its own: in the end, it has to wait.
        replacing.append(threading.Thread(target=server.upload, args=(2,)))
        replacing[-1].start()
        replacing[-1].join(0.5 if len(replacing) == _ROUNDS else 30)

    amid(
        monkeypatch, before=lambda: server.upload(2) if len(replacing) < _ROUNDS - 1 else None, after=replace
    )
    assert back_up(data, backup) == 0
    for thread in replacing:
        thread.join()
    assert len(replacing) == _ROUNDS
    assert len(check(backup)) == 5
    close(server)


def test_sources_and_products_of_a_job_are_never_both_left_out(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(data)
    found = study(server)
    amid(monkeypatch, after=lambda: found in _studies(server) and server.run(found, body=REPLACING))
    assert back_up(data, backup) == 0
    assert len(held(backup)) == 5
    check(backup)
    close(server)


def _studies(server: Server) -> list[str]:
    return server.backend.index.catalogue.ids(Level.STUDY)


@pytest.mark.parametrize("body", [{}, REPLACING, IN_PLACE])
@pytest.mark.parametrize("when", ["planned", "before", "after"])
def test_a_job_in_flight_goes_on_in_the_backup_to_the_same_counts(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, when: str, body: dict[str, Any]
) -> None:
    server = serve(data, overwrite_instances=OverwriteInstances.ALWAYS)
    job = server.submit(study(server), body=body)
    numbers = list(range(plan_job(server.backend, job.id)))

    def work() -> None:
        if numbers:
            edit_batch(server.backend, job.id, numbers.pop())

    if when != "planned":
        amid(monkeypatch, **{when: work})
    assert back_up(data, backup) == 0
    close(server)
    server = serve(backup, overwrite_instances=OverwriteInstances.ALWAYS)
    tidy(server, backup)
    assert counts(server.finish(server.job(job.id))) == (5, 0)
    assert len(server.pins()) == (10 if not body else 5)
    assert set(server.files()) == set(keys_of(server).values())
    close(server)


@pytest.mark.parametrize("when", ["long before", "before", "after", "all before"])
def test_what_was_deleted_and_waits_for_a_job_is_there_for_it(
    data: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    server = serve(data)
    jobs: list[str] = []

    def plan() -> None:
        job = server.submit(study(server))
        plan_job(server.backend, job.id)
        jobs.append(job.id)

    def plan_and_delete() -> None:
        plan()
        delete()

    def delete() -> None:
        for found in _studies(server):
            delete_resource(server.backend, Level.STUDY, found)

    if when == "all before":
        amid(monkeypatch, before=plan_and_delete)
    else:
        plan()
        if when == "long before":
            delete()
        else:
            amid(monkeypatch, **{when: delete})
    assert back_up(data, backup) == 0
    assert (images(backup, "pinned") != {}) is (when != "after")
    close(server)
    server = serve(backup)
    tidy(server, backup)
    assert counts(server.finish(server.job(jobs[0]))) == (5, 0)
    assert len(server.pins()) == (10 if when == "after" else 5)
    assert set(server.files()) == set(keys_of(server).values())
    close(server)


def test_a_copy_of_the_backup_is_what_was_there(data: Path, backup: Path, tmp_path: Path) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    before, files = rows(data), images(data)
    data.rename(tmp_path / "data.old")
    shutil.copytree(backup, data)
    lock_data_folder(data).release()
    require_index(data)
    server = serve(data)
    assert tidy(server, data) == 0
    assert server.upload(77)["Status"] == "Success"
    close(server)
    assert set(before) < set(rows(data)) or len(rows(data)) > len(before)
    assert set(images(data).items()) > set(files.items())
    assert main(["--verify", "--data", str(data)]) == 0


def test_the_index_of_last_week_over_the_files_of_today_and_back(data: Path, backup: Path) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    server = serve(data)
    gone = str(server.upload(1)["ParentStudy"])
    added = str(server.upload(1, study=9)["ID"])
    delete_resource(server.backend, Level.STUDY, gone)
    close(server)
    today = rows(data)
    shutil.copy(database_file(backup), database_file(data))
    lock_data_folder(data).release()
    require_index(data)
    server = serve(data)
    assert tidy(server, data) == 1
    close(server)
    assert added not in held(data)
    assert main(["--verify", "--data", str(data)]) == 1  # entries of what was deleted since
    assert main(["--rebuild-index", "--data", str(data)]) == 0
    assert main(["--verify", "--data", str(data)]) == 0
    assert held(data) == {str(row[1]) for row in today if row[0] == 3}


def test_the_index_of_today_over_the_files_of_last_week(data: Path, backup: Path, tmp_path: Path) -> None:
    filled(data)
    assert back_up(data, backup) == 0
    last_week = rows(data)
    server = serve(data)
    server.upload(1, study=9)
    close(server)
    shutil.rmtree(data / "objects")
    shutil.copytree(backup / "objects", data / "objects")
    assert main(["--verify", "--data", str(data)]) == 1
    assert main(["--rebuild-index", "--data", str(data)]) == 0
    assert main(["--verify", "--data", str(data)]) == 0
    assert [row[1] for row in rows(data)] == [row[1] for row in last_week]
    assert [row[-1] for row in rows(data)] == [row[-1] for row in last_week]  # labels
    assert not (data / BACKUP).exists()
