"""What killed processes leave in a data folder, and what processes do to one another."""

from __future__ import annotations

import hashlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.sqlite.database import Database
from dicomorph.embedded.tidying import Tidying
from dicomorph.model.resources import LEVELS, Level
from dicomorph.model.settings import OverwriteInstances, Settings
from tests.contract.writer_process import store_instance
from tests.support.idle_runner import IdleRunner

WRITER = Path(__file__).with_name("writer_process.py")


def start_writer(folder: Path, seed: int, *, epoch: int, batches: int = 0) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), str(folder), str(seed), str(epoch), str(batches)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    return writer


def kill(writer: subprocess.Popen[str]) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert writer.returncode == -signal.SIGKILL, "the writer died before"


def assert_consistent(folder: Path) -> int:
    """Check a folder that nothing writes to; return how many instances there are."""
    with closing(sqlite3.connect(folder / "index.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        counted = Counter(level for (level,) in raw.execute("SELECT level FROM resource"))
    with (
        closing(FileStore(folder)) as objects,
        closing(Database(folder / "index.db", epoch=None)) as database,
    ):
        index = sqlite_index(database)
        assert not list((folder / "tmp").rglob("*/*")), "an unfinished file was left"
        statistics = index.catalogue.statistics()
        assert [counted[level] for level in range(4)] == [
            statistics.patients,
            statistics.studies,
            statistics.series,
            statistics.instances,
        ]
        for level in LEVELS[:3]:
            assert all(index.catalogue.children(level, one) for one in index.catalogue.ids(level)), (
                "a parent without children"
            )
        size = 0
        for one in index.catalogue.ids(Level.INSTANCE):
            resource = index.catalogue.get(Level.INSTANCE, one)
            assert resource is not None
            assert resource.object is not None
            with closing(objects.open(resource.object)) as source:
                data = source.read(0, source.size)
            assert hashlib.md5(data, usedforsecurity=False).hexdigest() == resource.md5
            size += len(data)
        assert size == statistics.disk_size
        return statistics.instances


def begin(folder: Path) -> int:
    with closing(Database(folder / "index.db", epoch=None)) as database:
        return database.begin_epoch()


def kill_repeatedly(folder: Path, rounds: int) -> None:
    draw = random.Random(0)  # noqa: S311 - the same at every run
    for seed in range(rounds):
        writer = start_writer(folder, seed, epoch=begin(folder))
        time.sleep(draw.uniform(0, 0.2))
        kill(writer)
        assert_tidied(folder)


def assert_tidied(folder: Path) -> None:
    """Let a start put the files in order: what is deleted is erased, and what came late stands aside."""
    aside = set((folder / "orphans").rglob("*.dcm"))
    backend = embedded_backend(folder, Settings(), epoch=None, runner=IdleRunner())
    tidying = Tidying(backend, folder)
    tidying.erase_what_is_due()
    moved = tidying.move_orphans(before=time.time() + 60)
    assert moved == len(set((folder / "orphans").rglob("*.dcm")) - aside)
    assert moved <= 5, "of one batch, files had been written and not yet their entries"
    instances = assert_consistent(folder)
    assert len([*(folder / "objects").rglob("*.dcm"), *(folder / "pinned").rglob("*.dcm")]) == instances
    assert backend.index.outbox.waiting(limit=1) == []


def test_nothing_is_half_visible_after_a_kill(tmp_path: Path) -> None:
    kill_repeatedly(tmp_path, 3)
    assert assert_consistent(tmp_path)


@pytest.mark.slow
def test_nothing_is_half_visible_after_many_kills(tmp_path: Path) -> None:
    kill_repeatedly(tmp_path, 60)


def test_processes_write_side_by_side(tmp_path: Path) -> None:
    epoch = begin(tmp_path)
    writers = [start_writer(tmp_path, seed, epoch=epoch, batches=25) for seed in range(3)]
    for writer in writers:
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors
    assert assert_consistent(tmp_path)
    with closing(Database(tmp_path / "index.db", epoch=epoch)) as database:
        assert sqlite_index(database).properties.next_number("AnonymizedPatients") == 3 * 25 + 1


def test_a_process_of_an_earlier_run_can_write_no_more(tmp_path: Path) -> None:
    writer = start_writer(tmp_path, 1, epoch=begin(tmp_path))
    begin(tmp_path)
    _, errors = writer.communicate()
    assert writer.returncode == 1
    assert "StaleEpochError" in errors
    assert_consistent(tmp_path)


def test_several_processes_create_the_database_at_once(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from dicomorph.embedded.index.roles import sqlite_index\n"
        "from dicomorph.embedded.sqlite.database import Database\n"
        "sys.stdin.readline()\n"
        "sqlite_index(Database(pathlib.Path(sys.argv[1]), epoch=None)).properties.next_number('n')\n"
    )
    path = tmp_path / "new" / "index.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    with closing(Database(path, epoch=None)) as database:
        assert sqlite_index(database).properties.next_number("n") == 5


class Crash(BaseException):
    """The process is dead."""


@contextmanager
def crash_at_statement(number: int) -> Iterator[None]:
    """Let the process die at its nth statement of SQL, before it has any effect."""
    executed = 0

    class DyingConnection(sqlite3.Connection):
        def _step(self) -> None:
            nonlocal executed
            executed += 1
            if executed >= number:
                raise Crash

        def execute(self, *args: object) -> sqlite3.Cursor:
            self._step()
            return super().execute(*args)  # type: ignore[arg-type]

        def executemany(self, *args: object) -> sqlite3.Cursor:
            self._step()
            return super().executemany(*args)  # type: ignore[arg-type]

    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", lambda *args, **kw: connect(*args, **kw, factory=DyingConnection))
        yield


@pytest.mark.parametrize("operation", ["add", "overwrite", "remove", "remove_instances"])
def test_a_crash_at_any_statement_changes_nothing(tmp_path: Path, operation: str) -> None:
    path = tmp_path / "index.db"
    with closing(FileStore(tmp_path)) as objects, closing(Database(path, epoch=None)) as database:
        old = [store_instance(objects, (1, 1, series, 1), "old") for series in (1, 2)]
        sqlite_index(database).ingest.add(old, overwrite=OverwriteInstances.NEVER)
        new = [store_instance(objects, (1, 1, series, 1), "new") for series in (2, 3)]
        ancestry = old[0].ancestry

        def snapshot() -> object:
            index = sqlite_index(database)
            found = [one for level in LEVELS for one in index.catalogue.ids(level)]
            return list(index.catalogue.find_many(found)), index.outbox.waiting(limit=9)

        before = snapshot()
        for number in range(1, 100):
            dying = Database.__new__(Database)
            try:
                with crash_at_statement(number):
                    dying.__init__(path, epoch=database.epoch)  # type: ignore[misc]
                    index = sqlite_index(dying)
                    if operation == "add":
                        index.ingest.add(new, overwrite=OverwriteInstances.NEVER)
                    elif operation == "overwrite":
                        index.ingest.add(new, overwrite=OverwriteInstances.ALWAYS)
                    elif operation == "remove":
                        index.eraser.remove(Level.SERIES, ancestry.series)
                    else:
                        index.eraser.remove_instances(list(index.catalogue.pins(Level.STUDY, ancestry.study)))
            except Crash:
                assert snapshot() == before
            else:
                assert snapshot() != before
                return
            finally:
                dying.close()
        pytest.fail("The operation takes more statements than expected")
