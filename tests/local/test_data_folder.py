"""A data folder is taken only if it is nobody's or ours, and loses no file but those that we named."""

from __future__ import annotations

import os
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from dicomorph.embedded.backend import database_file, embedded_backend
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.tidying import Tidying
from dicomorph.model.settings import Settings
from local.data_folder import MARKER, DataFolderError, lock_data_folder
from tests.support.idle_runner import IdleRunner

ROOT = Path(__file__).resolve().parents[2]
MARK = b'{"Format": 1}\n'
SIBLING = "0123456789abcdef"
TOKEN = "0123456789abcdef0123456789abcdef"


def tree(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """Return what lies in a folder, with the times of the last changes."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def take(folder: Path) -> None:
    """Do what a start does to a folder, and what its store does."""
    lock_data_folder(folder).release()
    FileStore(folder).close()


def put_in_order(folder: Path) -> None:
    """Do what a start does with the files of a folder that it has taken."""
    backend = embedded_backend(folder, Settings(), epoch=None, runner=IdleRunner())
    tidying = Tidying(backend, folder)
    tidying.erase_what_is_due()
    tidying.move_orphans(before=time.time() + 60)


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE resource (id)")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def later_database(path: Path) -> None:
    embedded_backend(path.parent, Settings(), epoch=None, runner=IdleRunner()).objects.close()  # type: ignore[attr-defined]
    for left in path.parent.iterdir():
        if left.is_dir():
            left.rename(path.parent.parent / f"made-{left.name}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "name",
    [
        "letter.txt",
        ".profile",
        "lock",
        "spool/tmpabcd1234",
        f"objects/results/{TOKEN}.dcm",
        f"tmp/{SIBLING}/0",
        "deleted/instances/one.dcm",
        f"deleted-{SIBLING}/one.dcm",
        "index.db",
    ],
)
def test_a_folder_with_anything_in_it_is_refused_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "home" / name
    path.parent.mkdir(parents=True)
    (tmp_path / "home" / "lost+found").mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(DataFolderError, match="it holds other files"):
        lock_data_folder(tmp_path / "home")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("make", [foreign_database, later_database])
def test_a_database_of_others_does_not_make_a_folder_ours(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    make(database_file(folder))
    before = tree(folder)
    with pytest.raises(DataFolderError, match="it holds other files"):
        lock_data_folder(folder)
    assert tree(folder) == before


def test_a_server_that_refuses_a_folder_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"Cannot use the data folder {tmp_path}: it holds other files. Name an empty folder, or a new one"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("held", [[], ["lost+found"], [f"{MARKER}.new"], [f"{MARKER}.new", "lost+found"]])
def test_an_empty_folder_is_taken_and_marked(tmp_path: Path, held: list[str]) -> None:
    for name in held:
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).touch()
    take(tmp_path)
    assert (tmp_path / MARKER).read_bytes() == MARK
    take(tmp_path)
    assert (tmp_path / MARKER).read_bytes() == MARK


def test_a_folder_of_an_earlier_version_is_taken_and_marked(tmp_path: Path) -> None:
    backend = embedded_backend(tmp_path, Settings(), epoch=None, runner=IdleRunner())
    backend.objects.put("instances/00/one/token.dcm", b"image")
    take(tmp_path)
    assert (tmp_path / MARKER).read_bytes() == MARK
    assert backend.objects.get("instances/00/one/token.dcm") == b"image"


def test_a_folder_whose_first_server_was_killed_is_taken(tmp_path: Path) -> None:
    # All that its database says stands in the log: nothing has reached the file itself.
    program = (
        "import os, sys; from pathlib import Path;"
        "from dicomorph.embedded.sqlite.database import Database;"
        "made = Database(Path(sys.argv[1]), epoch=None); made.begin_epoch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(database_file(tmp_path))], check=False)
    assert {path.name for path in tmp_path.iterdir()} >= {"index.db", "index.db-wal"}
    take(tmp_path)
    assert (tmp_path / MARKER).read_bytes() == MARK


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"Format": 2}', b'{"Format": null}', b"\xff", b"1"])
def test_a_folder_of_another_format_is_refused_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARKER).write_bytes(content)
    before = tree(tmp_path)
    with pytest.raises(DataFolderError, match="of another version, or damaged"):
        lock_data_folder(tmp_path)
    assert tree(tmp_path) == before


OURS = [
    "spool/tmpabcd_123",
    f"objects/results/{TOKEN}.dcm",
    f"objects/results/{TOKEN}.json",
    f"tmp/{SIBLING}/0",
    f"tmp/{SIBLING}/1/instances/one.dcm",
]
NOT_OURS = [
    "spool/letter.txt",
    "spool/tmpabcd1234/letter.txt",
    "objects/results/letter.dcm",
    f"objects/results/{TOKEN}.txt",
    f"objects/results/{TOKEN}.dcm.d/letter.txt",
    "tmp/letter.txt",
    "tmp/letters/letter.txt",
    f"tmp/{SIBLING.upper()}/letter.txt",
    "deleted-letters/letter.txt",
    f"deleted-{SIBLING}/letter.txt",
    "deleted/instances/ab/one/letter.txt",
    "pinned/letter.dcm",
    "orphans/letter.dcm",
    "objects/instances/letter.dcm",
    "objects/instances/ab/one/letter.txt",
    "objects/instances/ab/one/ä.dcm",
    f"{SIBLING}/letter.txt",
    "letter.txt",
]


def test_of_our_own_folder_only_what_we_named_goes(tmp_path: Path) -> None:
    take(tmp_path)
    for name in [*OURS, *NOT_OURS]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    lock_data_folder(tmp_path).release()
    put_in_order(tmp_path)
    assert [name for name in OURS if (tmp_path / name).exists()] == []
    assert [name for name in NOT_OURS if not (tmp_path / name).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        "spool",
        "objects/results",
        "objects/instances/ab",
        "objects/jobs/x",
        "pinned",
        "pinned/instances",
        "deleted",
        f"tmp/{SIBLING}",
        f"deleted-{SIBLING}",
    ],
)
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    data, outside = tmp_path / "data", tmp_path / "outside"
    outside.mkdir()
    for letter in ("tmpabcd1234", f"{TOKEN}.dcm", "0"):
        (outside / letter).write_bytes(b"mine")
    before = tree(outside)
    take(data)
    link = data / name
    if link.is_dir():
        link.rmdir()
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)
    put_in_order(data)
    lock_data_folder(data).release()
    assert tree(outside) == before


def test_the_home_of_the_user_and_steps_upwards_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = lock_data_folder(Path("~/absent/../data"))
    folder.release()
    assert folder.path == tmp_path.resolve() / "data"
    assert os.listdir(tmp_path) == ["data"]  # noqa: PTH208 - names are enough


@pytest.mark.parametrize("data", ["a b", "~/data", "it's", "$$HOME"])
def test_make_hands_over_the_name_as_it_is(data: str) -> None:
    command = ["make", "--no-print-directory", "-n", "run", f"DATA={data}"]
    # The tests themselves are run by make, whose flags its children inherit.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[words.index("--data") + 1] == data.replace("$$", "$")


def test_the_marker_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    lock_data_folder(tmp_path / "data").release()
    assert steps == [f"sync {MARKER}.new", "rename", "sync data"]
