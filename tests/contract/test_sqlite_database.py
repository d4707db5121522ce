"""The transactions under the embedded index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.sqlite import database as sqlite_database
from dicomorph.embedded.sqlite import versions
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import InternalError, StaleEpochError, StorageFullError, TransientError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from tests.contract.indexes import entry
from tests.support.earlier_folders import as_version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "index.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(path, epoch=None)) as database:
        yield database


def write(database: Database, value: str) -> None:
    sqlite_index(database).properties.write_property("name", value)


def read(database: Database) -> str | None:
    return sqlite_index(database).properties.read_property("name")


def test_each_run_has_an_epoch_of_its_own(path: Path) -> None:
    epochs = []
    for _ in range(3):
        with closing(Database(path, epoch=None)) as database:
            epochs.append(database.begin_epoch())
    assert epochs == [1, 2, 3]


def test_a_newer_run_ends_the_writing_of_the_one_before(path: Path, database: Database) -> None:
    epoch = database.begin_epoch()
    with closing(Database(path, epoch=epoch)) as worker:
        write(worker, "first")
        with closing(Database(path, epoch=None)) as newer:
            newer.begin_epoch()
            for stale in (worker, database):
                with pytest.raises(StaleEpochError):
                    write(stale, "stale")
                assert read(stale) == "first"
            write(newer, "second")
        assert read(worker) == "second"


def test_an_exception_undoes_a_transaction(database: Database) -> None:
    write(database, "before")
    with pytest.raises(AttributeError), database.write() as connection:
        connection.execute("UPDATE property SET value = 'amid'").nothing()  # type: ignore[attr-defined]
    assert read(database) == "before"
    write(database, "after")


def test_a_reader_sees_one_moment(database: Database) -> None:
    write(database, "before")
    with database.read() as connection:
        first = connection.execute("SELECT value FROM property").fetchone()
        write(database, "after")
        assert connection.execute("SELECT value FROM property").fetchone() == first == ("before",)
    assert read(database) == "after"


def test_threads_take_turns(database: Database) -> None:
    index = sqlite_index(database)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: index.properties.next_number("n"), range(200)))
    assert sorted(numbers) == list(range(1, 201))


def test_a_database_of_another_version_is_refused(path: Path, database: Database) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(InternalError, match="version 99"):
        Database(path, epoch=None)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_database_of_an_earlier_version_becomes_one_of_today_once(
    path: Path, database: Database, version: int
) -> None:
    index = sqlite_index(database)
    index.ingest.add([entry("i1"), entry("i2")], overwrite=OverwriteInstances.NEVER)
    database.close()
    as_version(version, path)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Database(path, epoch=None), range(4)))
    with closing(sqlite3.connect(path)) as raw, closing(sqlite3.connect(":memory:")) as new:
        new.executescript(Path(versions.__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        assert raw.execute("PRAGMA user_version").fetchone() == (versions.SCHEMA_VERSION,)
        assert columns_of(raw) == columns_of(new)
    for one in opened:
        held = sqlite_index(one).catalogue.get(Level.INSTANCE, "i1")
        assert held is not None
        assert held.object == entry("i1").object
        assert held.object is not None
        assert held.object.crc32 is None
        one.close()


def columns_of(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Return all columns of all tables, with their places and types."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {
        (table, *column)
        for table in tables
        for column in connection.execute("SELECT * FROM pragma_table_info(?)", (table,))
    }


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "index.db"
    file.write_bytes(b"something else, and long enough to be read as a header" * 100)
    with pytest.raises(InternalError, match="SQLITE_NOTADB"):
        Database(file, epoch=None)
    assert file.read_bytes().startswith(b"something else")


def test_a_closed_database_answers_no_more(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(InternalError, match="closed"):
        read(database)


def test_a_database_that_is_kept_busy_may_answer_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "_BUSY_SECONDS", 0.01)
    with closing(Database(path, epoch=None)) as database, closing(Database(path, epoch=None)) as other:
        with database.write(), pytest.raises(TransientError):
            write(other, "value")
        write(other, "value")
        assert read(database) == "value"


def test_a_full_disk_changes_nothing(database: Database) -> None:
    write(database, "before")
    with database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the size it has
    with pytest.raises(StorageFullError):
        write(database, "x" * 1_000_000)
    assert read(database) == "before"
    write(database, "a small one")


@pytest.mark.parametrize(
    ("always", "asked", "level"), [(False, False, 1), (False, True, 2), (True, False, 2)]
)
def test_durability_is_a_choice(path: Path, always: bool, asked: bool, level: int) -> None:  # noqa: FBT001
    with closing(Database(path, epoch=None, durable=always)) as database:
        for _ in range(2):
            with database.write(durable=True):  # what another write asked for does not stay
                pass
            with database.write(durable=asked) as connection:
                assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
                assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_is_private(path: Path, database: Database) -> None:
    write(database, "value")
    modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {0o600}


def test_errors_quote_no_values(database: Database) -> None:
    with pytest.raises(InternalError) as caught, database.write() as connection:
        connection.execute("SELECT 'secret' FROM nowhere_secret")
    assert "secret" not in str(caught.value)
