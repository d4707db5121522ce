"""The index is made anew of the files, and says what an upload of each would have said."""

from __future__ import annotations

import errno
import gc
import json
import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import begin_epoch, database_file
from dicomorph.model.object_keys import product_of
from dicomorph.model.resources import Level
from dicomorph.services.server.anonymized_names import next_anonymized_name
from dicomorph.services.server.default_encoding import change_default_encoding
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.work.plan_job import plan_job
from local.__main__ import main
from local.data_folder import DataFolderError, lock_data_folder
from local.index_state import require_index
from tests.dicom_factory import Element
from tests.support.api_client import make_dicom
from tests.support.earlier_folders import as_version_1
from tests.support.kept_folders import close, filled, images, lose_index, other_rows, rows
from tests.support.killed_commands import Command
from tests.support.small_files import PATIENT_ID, small_file
from tests.workflows.embedded import serve, tidy

# Of an instance, what its file does not say; of all levels, who sent it and what it was made of.
LOST = {"AnonymizedFrom", "HttpUsername", "RemoteIP", "1024"}
TIMES = {"ReceptionDate"}


def rebuild(folder: Path, *options: str) -> int:
    return main(["--rebuild-index", "--data", str(folder), *options])


def of_files(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return of resources what derives from files."""
    return [(*row[:3], json.loads(row[3]), _metadata(row[4]), *row[6:12]) for row in found]


def _metadata(text: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(text).items() if name not in LOST | TIMES}


def test_an_index_of_files_alone_is_what_uploads_have_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path)
    before, files = rows(tmp_path), images(tmp_path)
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    after = rows(tmp_path)
    assert of_files(after) == of_files(before)
    assert images(tmp_path) == files
    for old, new in zip(before, after, strict=True):
        assert new[5] is None if old[5] is None else abs(int(new[5][-6:]) - int(old[5][-6:])) < 5
    said = capsys.readouterr().out
    assert "3 patients, 3 studies, 5 series, 13 instances" in said
    assert "is lost: labels" in said
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{8}|PAT|OTHER", said)
    assert rebuild(tmp_path) == 0
    assert rows(tmp_path) == after


@pytest.mark.parametrize("version", [1, 4])
def test_what_a_readable_index_knows_is_taken_over(tmp_path: Path, version: int) -> None:
    filled(tmp_path)
    before, others = rows(tmp_path), other_rows(tmp_path)
    with closing(sqlite3.connect(database_file(tmp_path))) as index:
        index.execute("DELETE FROM resource WHERE level = 3 AND pk % 2")  # as one that is older
        index.commit()
    held = {row[1]: row for row in rows(tmp_path)}
    if version == 1:
        as_version_1(database_file(tmp_path))
        others |= {"job_request": [], "upload": []}
    assert rebuild(tmp_path) == 0
    after = {row[1]: row for row in rows(tmp_path)}
    assert of_files(list(after.values())) == of_files(before)
    for name, row in held.items():
        assert after[name][:5] == row[:5]
        assert after[name][-1] == row[-1]  # labels
    assert other_rows(tmp_path) == others
    (kept,) = tmp_path.glob("index-*Z.db")
    with closing(sqlite3.connect(kept)) as index:
        assert index.execute("SELECT count(*) FROM resource").fetchone() == (len(held),)


def test_a_whole_index_is_the_same_again(tmp_path: Path) -> None:
    filled(tmp_path)
    assert rebuild(tmp_path) == 0
    before, others = rows(tmp_path), other_rows(tmp_path)
    for _ in range(2):
        assert rebuild(tmp_path) == 0
        assert rows(tmp_path) == before
        assert other_rows(tmp_path) == others
    assert len(list(tmp_path.glob("index-*.db"))) == 3


def test_with_the_index_of_last_week_orphans_are_adopted_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    study = filled(folder)
    shutil.copy(database_file(folder), tmp_path / "last-week.db")
    server = serve(folder)
    for number in range(1, 4):
        server.upload(number, study=9)
    server.run(study, anonymize=True)
    close(server)
    today = rows(folder)
    shutil.copy(tmp_path / "last-week.db", database_file(folder))
    server = serve(folder)
    assert tidy(server, folder) >= 9
    close(server)
    assert len(rows(folder)) < len(today)
    assert rebuild(folder) == 0
    assert of_files(rows(folder)) == of_files(today)
    assert [row[-1] for row in rows(folder)] == [row[-1] for row in today]
    assert images(folder, "orphans") == {}


def test_the_newest_of_several_versions_counts_and_the_others_are_orphans(tmp_path: Path) -> None:
    server = serve(tmp_path)
    uploaded = server.upload(1)
    [(key, _)] = images(tmp_path).items()
    objects = tmp_path / "objects/instances"
    older = make_dicom("PAT", 1, 1, 1, InstanceCreationTime="111111")
    newer = make_dicom("PAT", 1, 1, 1, InstanceCreationTime="222222")
    for name, file, moment in (("1", older, 1e9), ("2", newer, 2e9)):
        path = (objects / key).with_name(f"{name * 32}.dcm")
        path.write_bytes(file)
        _touch(path, moment)
    close(server)
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    (held,) = [row[7] for row in rows(tmp_path) if row[0] == 3]
    assert held.endswith(f"/{'2' * 32}.dcm")
    assert set(images(tmp_path)) == {held.removeprefix("instances/")}
    assert set(images(tmp_path, "orphans/instances")) == {key, key.rpartition("/")[0] + f"/{'1' * 32}.dcm"}
    assert rebuild(tmp_path) == 0
    assert [row[1] for row in rows(tmp_path) if row[0] == 3] == [uploaded["ID"]]
    assert [row[7] for row in rows(tmp_path) if row[0] == 3] == [held]


def test_the_version_that_a_readable_index_names_counts_before_newer_ones(tmp_path: Path) -> None:
    server = serve(tmp_path)
    server.upload(1)
    close(server)
    [(key, _)] = images(tmp_path).items()
    for folder, name in (("objects/instances", "1"), ("orphans/instances", "2")):
        path = (tmp_path / folder / key).with_name(f"{name * 32}.dcm")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_dicom("PAT", 1, 1, 1, InstanceCreationTime="222222"))
        _touch(path, 2e9)
    assert rebuild(tmp_path) == 0
    assert [row[7] for row in rows(tmp_path) if row[0] == 3] == [f"instances/{key}"]
    assert set(images(tmp_path)) == {key}
    assert len(images(tmp_path, "orphans")) == 2


def _touch(path: Path, moment: float) -> None:
    os.utime(path, (moment, moment))


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut in the header": lambda file: file[:200],
    "cut in the pixels": lambda file: file[:-2],
    "no DICOM": lambda _: b"something else" * 100,
    "zeros": lambda file: bytes(len(file)),
    "of another": lambda _: make_dicom("OTHER", 9, 9, 9),
    "without a UID": lambda file: file.replace(b"\x20\x00\x0d\x00UI", b"\x20\x00\x0f\x00UI"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("folder", ["objects", "orphans"])
def test_what_an_upload_would_not_take_is_set_aside_and_counted(
    tmp_path: Path, damage: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(tmp_path)
    for number in (1, 2):
        server.upload(number)
    close(server)
    lose_index(tmp_path)
    key, content = min(images(tmp_path).items())
    path = tmp_path / folder / "instances" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "objects/instances" / key).rename(path)
    path.write_bytes(DAMAGES[damage](content))
    assert rebuild(tmp_path) == 0
    assert len([row for row in rows(tmp_path) if row[0] == 3]) == 1
    assert images(tmp_path, "orphans") == {f"damaged/instances/{key}": DAMAGES[damage](content)}
    said = capsys.readouterr().out
    assert "now in orphans/damaged/): 1" in said
    assert product_of(f"instances/{key}") not in said
    require_index(tmp_path)


def test_a_file_that_is_not_what_a_readable_index_recorded_does_not_count(tmp_path: Path) -> None:
    server = serve(tmp_path)
    for number in (1, 2, 3):
        server.upload(number)
    close(server)
    flipped, shorter, _ = sorted(images(tmp_path))
    assert rebuild(tmp_path) == 0  # now there are checksums in any case
    for key, ending in ((flipped, b"!"), (shorter, b"")):
        path = tmp_path / "objects/instances" / key
        path.write_bytes(path.read_bytes()[:-1] + ending)
    assert rebuild(tmp_path) == 0
    assert len([row for row in rows(tmp_path) if row[0] == 3]) == 1
    assert len(images(tmp_path, "orphans/damaged")) == 2


def test_what_earlier_versions_took_stays_where_a_readable_index_vouches_for_it(tmp_path: Path) -> None:
    server = serve(tmp_path)
    store_instance(server.backend, small_file(Element(0x7FE00010, "OW", bytes(64))), remote_ip="")
    close(server)
    [(key, content)] = images(tmp_path).items()
    (tmp_path / "objects/instances" / key).write_bytes(content + b"trailing")
    with closing(sqlite3.connect(database_file(tmp_path))) as index:
        index.execute("UPDATE resource SET size = ?, crc32 = NULL WHERE level = 3", (len(content) + 8,))
        index.commit()
    assert rebuild(tmp_path) == 0
    assert len(rows(tmp_path)) == 4
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    assert rows(tmp_path) == []


def test_what_was_deleted_does_not_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve(tmp_path)
    for number in (1, 2, 3):
        uploaded = server.upload(number, study=number)
    job = server.submit(str(uploaded["ParentStudy"]))
    plan_job(server.backend, job.id)
    delete_resource(server.backend, Level.STUDY, str(uploaded["ParentStudy"]))  # waits for the job
    other = server.pins()[0]
    server.backend.index.eraser.remove(Level.INSTANCE, other.ancestry.instance)  # and is not erased yet
    close(server)
    pinned = images(tmp_path, "pinned/instances")
    assert len(pinned) == 1
    assert rebuild(tmp_path) == 0  # knows what is to go, and for whom it waits
    assert len([row for row in rows(tmp_path) if row[0] == 3]) == 1
    assert images(tmp_path, "pinned/instances") == pinned
    assert len(other_rows(tmp_path)["outbox"]) == 2
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    assert images(tmp_path, "orphans/deleted/instances") == pinned
    assert "now in orphans/deleted/): 1" in capsys.readouterr().out
    assert rebuild(tmp_path) == 0
    assert not set(pinned) & set(images(tmp_path))


def test_with_the_index_of_last_week_what_waited_for_a_job_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = serve(folder)
    study = str(server.upload(1)["ParentStudy"])
    close(server)
    shutil.copy(database_file(folder), tmp_path / "last-week.db")
    before, files = rows(folder), images(folder)
    server = serve(folder)
    plan_job(server.backend, server.submit(study).id)
    delete_resource(server.backend, Level.STUDY, study)
    close(server)
    shutil.copy(tmp_path / "last-week.db", database_file(folder))
    assert images(folder) == {}
    assert rebuild(folder) == 0
    assert of_files(rows(folder)) == of_files(before)
    assert images(folder) == files


@pytest.mark.parametrize(("fault", "status"), [(errno.EACCES, 2), (errno.EIO, 0)])
def test_a_file_that_cannot_be_read_is_counted_or_ends_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: int,
    status: int,
) -> None:
    filled(tmp_path)
    before, files = rows(tmp_path), images(tmp_path)
    unreadable, opened = min(files), Path.open

    def refuse(path: Path, *args: Any, **options: Any) -> Any:
        if path.as_posix().endswith(unreadable):
            raise OSError(fault, os.strerror(fault))
        return opened(path, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert rebuild(tmp_path) == status
    assert "\nFiles that cannot be read, and have no entry: 1\n" in capsys.readouterr().out or status
    monkeypatch.undo()
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*.dcm")) == sorted(files.values())
    held = {row[1] for row in rows(tmp_path) if row[0] == 3}
    assert held == {row[1] for row in before if row[0] == 3} - (
        {unreadable.split("/")[1]} if not status else set()
    )


def moved_behind_a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("is_lost", [False, True], ids=["readable", "lost"])
@pytest.mark.parametrize("depth", range(5))
def test_nothing_is_left_out_that_lies_behind_a_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], depth: int, *, is_lost: bool
) -> None:
    filled(tmp_path)
    before, files = rows(tmp_path), images(tmp_path)
    path = tmp_path.joinpath("objects", "instances", *min(files).split("/"))
    moved_behind_a_link([*reversed(path.parents), path][depth - 5])
    if is_lost:
        lose_index(tmp_path)
        with pytest.raises(DataFolderError):
            require_index(tmp_path)
    assert rebuild(tmp_path) == 2
    said = capsys.readouterr().err
    assert said == "Object store: ELOOP\n" or (is_lost and said.endswith("is no data folder\n"))
    assert is_lost or rows(tmp_path) == before
    found = [path.read_bytes() for path in tmp_path.rglob("*.dcm") if not path.is_symlink()]
    found += [path.read_bytes() for path in tmp_path.rglob("elsewhere") if path.is_file()]
    assert sorted(found) == sorted(files.values())


@pytest.mark.timeout(60)
def test_what_is_no_file_stays_where_it_is(tmp_path: Path) -> None:
    filled(tmp_path)
    before, files = rows(tmp_path), images(tmp_path)
    pipe = tmp_path.joinpath("objects", "instances", min(files)).with_name(f"{7:032x}.dcm")
    os.mkfifo(pipe)
    assert rebuild(tmp_path) == 0
    assert rows(tmp_path) == before
    assert main(["--verify", "--data", str(tmp_path)]) == 0
    assert pipe.is_fifo()


@pytest.mark.parametrize("is_lost", [False, True], ids=["readable", "lost"])
@pytest.mark.parametrize("depth", range(3))
def test_a_folder_that_must_not_be_read_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int, *, is_lost: bool
) -> None:
    filled(tmp_path)
    before, files = rows(tmp_path), images(tmp_path)
    path = tmp_path.joinpath("objects", "instances", *min(files).split("/"))
    closed, read = str(path.parents[depth]), os.scandir

    def refuse(folder: str) -> Any:
        if str(folder) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read(folder)

    if is_lost:
        lose_index(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        if is_lost:
            with pytest.raises(DataFolderError):
                require_index(tmp_path)
        assert rebuild(tmp_path) == 2
    assert is_lost or rows(tmp_path) == before
    assert images(tmp_path) == files


def test_a_job_in_flight_ends_as_it_would(tmp_path: Path) -> None:
    study = filled(tmp_path)
    server = serve(tmp_path)
    job = server.submit(study, body={"Replace": {"StudyDescription": "new"}})
    plan_job(server.backend, job.id)
    close(server)
    assert rebuild(tmp_path) == 0
    server = serve(tmp_path)
    assert server.finish(server.job(job.id)).content["InstancesCount"] == 6


def test_names_go_on_behind_those_that_were_given(tmp_path: Path) -> None:
    server = serve(tmp_path)
    study = str(server.upload(1)["ParentStudy"])
    for _ in range(3):
        server.run(study, anonymize=True)
    close(server)
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    with closing(sqlite3.connect(database_file(tmp_path))) as index:
        index.execute("UPDATE counter SET value = 1")  # as one that was begun anew
        index.commit()
    assert rebuild(tmp_path) == 0
    server = serve(tmp_path)
    assert next_anonymized_name(server.backend) == "Anonymized4"
    close(server)


@pytest.mark.parametrize("is_lost", [True, False])
def test_ids_of_another_default_encoding_are_recognised(tmp_path: Path, *, is_lost: bool) -> None:
    server = serve(tmp_path)
    change_default_encoding(server.backend, "Cyrillic")
    file = small_file(Element(PATIENT_ID, "LO", "Пациент".encode("iso8859-5")))
    store_instance(server.backend, file, remote_ip="")
    close(server)
    before = rows(tmp_path)
    if is_lost:
        lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    assert of_files(rows(tmp_path)) == of_files(before)


def test_a_folder_in_use_or_of_nobody_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "data")
    before = rows(tmp_path / "data")
    folder = lock_data_folder(tmp_path / "data")
    assert rebuild(tmp_path / "data") == 2
    assert "Another server" in capsys.readouterr().err
    folder.release()
    assert rows(tmp_path / "data") == before
    assert not list((tmp_path / "data").glob("index-*"))
    for absent in (tmp_path / "absent", tmp_path):
        assert rebuild(absent) == 2
        assert "is no data folder" in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()


def test_an_index_of_a_later_version_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path)
    lock_data_folder(tmp_path).release()
    with closing(sqlite3.connect(database_file(tmp_path))) as index:
        index.execute("PRAGMA user_version = 99")
    assert rebuild(tmp_path) == 2
    assert "version 99" in capsys.readouterr().err


def test_a_damaged_index_is_kept_with_its_log(tmp_path: Path) -> None:
    filled(tmp_path)
    damaged = b"something else, and long enough to be read as a header" * 200
    database_file(tmp_path).write_bytes(damaged)
    (tmp_path / "index.db-wal").write_bytes(b"a log of nothing")
    assert rebuild(tmp_path) == 0
    (kept,) = tmp_path.glob("index-*Z.db")
    assert kept.read_bytes() == damaged
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"a log of nothing"
    require_index(tmp_path)
    assert len([row for row in rows(tmp_path) if row[0] == 3]) == 13


def test_workers_of_earlier_runs_cannot_write(tmp_path: Path) -> None:
    filled(tmp_path)
    epochs = [begin_epoch(tmp_path) for _ in range(3)]
    lose_index(tmp_path)
    assert rebuild(tmp_path) == 0
    assert begin_epoch(tmp_path) > max(epochs) + 1


def kill_rounds(folder: Path, count: int, *, is_lost: bool) -> None:
    """Kill rebuildings at any moment: all files are there, and either index is whole, or none."""
    draw = random.Random(1)  # noqa: S311 - the same at every run
    filled(folder)
    before = rows(folder)
    for path in sorted((folder / "objects/instances").rglob("*.dcm"))[::3]:
        orphan = folder / "orphans" / path.relative_to(folder / "objects")
        orphan.parent.mkdir(parents=True, exist_ok=True)
        path.rename(orphan)
    files = sorted(path.read_bytes() for path in folder.rglob("*.dcm"))
    if is_lost:
        lose_index(folder)
    finished = 0
    for number in range(count):
        if number % 2 and is_lost:
            lose_index(folder)
        finished += Command("--rebuild-index", "--data", str(folder)).kill_after(draw.uniform(0, 0.15))
        assert sorted(path.read_bytes() for path in folder.rglob("*.dcm")) == files
        if database_file(folder).exists():
            assert of_files(rows(folder)) == of_files(before)
    assert rebuild(folder) == 0
    assert of_files(rows(folder)) == of_files(before)
    assert set(images(folder)) == {row[7].removeprefix("instances/") for row in before if row[0] == 3}
    gc.collect()  # the last one had its folder in this process
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_rebuilding_may_be_killed_at_any_moment(tmp_path: Path, *, is_lost: bool) -> None:
    kill_rounds(tmp_path / "data", 1 + is_lost, is_lost=is_lost)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("is_lost", [True, False])
def test_many_rebuildings_may_be_killed(tmp_path: Path, *, is_lost: bool) -> None:
    kill_rounds(tmp_path / "data", 40, is_lost=is_lost)
