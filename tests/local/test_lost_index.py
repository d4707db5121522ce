"""A start on an index that is lost or damaged is refused; on one that has nothing to say, it is not."""

from __future__ import annotations

import os
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import begin_epoch, database_file
from dicomorph.embedded.care.soundness import check_index
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.resources import Level
from local.data_folder import MARKER, DataFolderError, find_data_folder, lock_data_folder
from local.index_state import require_index
from tests.support.api_client import make_dicom
from tests.support.earlier_folders import as_version_1
from tests.support.kept_folders import close, filled, images, lose_index
from tests.workflows.embedded import serve

ROOT = Path(__file__).resolve().parents[2]
KILLED = (
    "import os, sys; from pathlib import Path; from dicomorph.embedded.sqlite.database import Database;"
    "made = Database(Path(sys.argv[1]), epoch=None); made.begin_epoch(); os.kill(os.getpid(), 9)"
)


def start(folder: Path) -> None:
    """Do what a start does before it builds on an index."""
    locked = lock_data_folder(folder)
    try:
        require_index(locked.path)
    finally:
        locked.release()


def kill_a_server(folder: Path) -> None:
    """Leave an index as one does that did not come to its end."""
    subprocess.run([sys.executable, "-c", KILLED, str(database_file(folder))], check=False)
    assert database_file(folder).with_name("index.db-wal").stat().st_size


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def without_tables(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as index:
        index.executescript("CREATE TABLE one (x); DROP TABLE one")


def new(file: Path) -> None:
    file.unlink()
    Database(file, epoch=None).close()


def new_and_served(file: Path) -> None:
    file.unlink()
    begin_epoch(file.parent)


def without_rows(file: Path) -> None:
    with closing(sqlite3.connect(file)) as index:
        index.executescript(
            "DELETE FROM label; DELETE FROM resource; DELETE FROM job_request; DELETE FROM job"
        )


def no_database(file: Path) -> None:
    file.write_bytes(b"something else, and long enough to be read as a header" * 200)


def cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 8192 * 4096)


def zeros(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


LOSSES = [
    Path.unlink,
    emptied,
    without_tables,
    new,
    new_and_served,
    without_rows,
    no_database,
    cut_short,
    zeros,
]


@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("lose", LOSSES)
def test_a_lost_index_beside_files_is_refused_and_everything_stays(
    tmp_path: Path, lose: Callable[[Path], None], *, is_marked: bool
) -> None:
    folder = tmp_path / "a b"
    filled(folder)
    if is_marked:
        lock_data_folder(folder).release()
    lose(database_file(folder))
    before = images(folder)
    for _ in range(2):  # the first refusal changes nothing
        with pytest.raises(DataFolderError) as refused:
            start(folder)
    command = f"python -m local --rebuild-index --data {shlex.quote(str(folder))}"
    assert str(refused.value).endswith(command)
    assert "\n" not in str(refused.value)
    assert images(folder) == before != {}
    assert find_data_folder(folder) == folder


def test_a_server_says_so_in_one_line(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    lose_index(tmp_path / "data")
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--rebuild-index --data" in done.stderr


def test_a_folder_of_others_is_still_none_of_ours(tmp_path: Path) -> None:
    filled(tmp_path)
    lose_index(tmp_path)
    (tmp_path / "letter.txt").touch()
    with pytest.raises(DataFolderError, match="it holds other files"):
        start(tmp_path)
    with pytest.raises(DataFolderError, match="is no data folder"):
        find_data_folder(tmp_path)


def fresh(folder: Path) -> None:
    lock_data_folder(folder).release()


def orphans_only(folder: Path) -> None:
    filled(folder)
    lose_index(folder)
    fresh_marker(folder)
    (folder / "objects/instances").rename(folder / "elsewhere")
    (folder / "orphans").mkdir()
    (folder / "elsewhere").rename(folder / "orphans/instances")


def fresh_marker(folder: Path) -> None:
    (folder / MARKER).write_text('{"Format": 1}\n')


def last_one_deleted_and_not_erased(folder: Path) -> None:
    server = serve(folder)
    patient = server.upload()["ParentPatient"]
    server.backend.index.eraser.remove(Level.PATIENT, str(patient))
    assert len(images(folder)) == 1
    close(server)


def all_deleted_while_a_job_waits(folder: Path) -> None:
    server = serve(folder)
    uploaded = server.upload()
    server.submit(str(uploaded["ParentStudy"]))
    server.backend.index.eraser.remove(Level.PATIENT, str(uploaded["ParentPatient"]))
    # As where products have no entry yet.
    server.backend.index.outbox.drop(server.backend.index.outbox.waiting(limit=9))
    close(server)


def of_version_1(folder: Path) -> None:
    filled(folder)
    as_version_1(database_file(folder))


def first_upload_cut_off(folder: Path) -> None:
    server = serve(folder)
    server.backend.objects.put("instances/ab/abcd/0123.dcm", make_dicom("P", 1, 1, 1))
    close(server)
    kill_a_server(folder)


@pytest.mark.parametrize(
    "make",
    [
        fresh,
        orphans_only,
        last_one_deleted_and_not_erased,
        all_deleted_while_a_job_waits,
        of_version_1,
        first_upload_cut_off,
        filled,
    ],
)
def test_an_index_that_is_right_to_know_nothing_is_not_refused(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    make(tmp_path / "data")
    start(tmp_path / "data")


def test_many_files_that_a_killed_server_knew_nothing_of_are_a_lost_index(tmp_path: Path) -> None:
    first_upload_cut_off(tmp_path)
    for number in range(1000):
        (tmp_path / f"objects/instances/ab/abcd/{number}.dcm").touch()
    with pytest.raises(DataFolderError, match="knows of none"):
        start(tmp_path)


def test_pages_are_looked_at_after_an_unclean_end_and_not_after_a_clean_one(
    tmp_path: Path,
) -> None:
    filled(tmp_path)
    lock_data_folder(tmp_path).release()
    kill_a_server(tmp_path)
    start(tmp_path)
    with closing(sqlite3.connect(database_file(tmp_path))) as index:
        (root,) = index.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'resource_child'").fetchone()
    assert not database_file(tmp_path).with_name("index.db-wal").exists()  # a clean end
    with database_file(tmp_path).open("r+b") as pages:
        pages.seek((root - 1) * 4096 + 8)
        pages.write(b"\xff" * 512)
    start(tmp_path)
    kill_a_server(tmp_path)
    with pytest.raises(DataFolderError, match=r"index\.db is damaged.*--rebuild-index"):
        start(tmp_path)


def test_a_look_at_the_pages_takes_no_longer_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    kill_a_server(tmp_path)
    monkeypatch.setattr("dicomorph.embedded.care.soundness._STEPS", 1)
    assert check_index(tmp_path) is True
    assert check_index(tmp_path, patience=-1) is False


def test_a_server_that_comes_to_its_end_leaves_no_log(make_server: Callable[..., Any]) -> None:
    server = make_server()
    server.post("/instances", make_dicom("P", 1, 1, 1))
    log = server.data / "index.db-wal"
    assert log.stat().st_size
    assert server.stop() == 0
    assert not log.exists()
    server.start()
    server.post("/instances", make_dicom("P", 1, 1, 2))
    server.kill_group()
    assert log.stat().st_size
    server.start()
    assert server.counts() == (1, 1, 1, 2)
    assert server.log.read_text() == ""


def test_the_first_upload_of_a_new_server_may_be_cut_off(make_server: Callable[..., Any]) -> None:
    server = make_server()
    server.kill_group()
    stray = server.data / "objects/instances/ab/abcd/0123.dcm"
    stray.parent.mkdir(parents=True)
    stray.touch()
    time.sleep(0.2)  # it is older than the start
    server.start()
    assert (server.data / "orphans/instances/ab/abcd/0123.dcm").exists()
