"""The store of files asks for room before it writes, and the index has the last word on the quota."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.objects.room import Room
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import InstanceEntry, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import StoreStatus
from tests.contract.file_operations import DATA, KEY, MIB, OTHER, SCRIPT, every_file
from tests.contract.indexes import entry

pytestmark = pytest.mark.usefixtures("file_system")

WRITES: dict[str, Callable[[FileStore, ObjectRef, Path], object]] = {
    "put": lambda store, _, __: store.put(OTHER, DATA),
    "put_file": lambda store, _, file: store.put_file(OTHER, str(file)),
    "put_file of another's": lambda store, _, file: store.put_file(OTHER, str(file.with_name("link"))),
    "put_edited": lambda store, ref, _: store.put_edited(OTHER, ref, SCRIPT),
    "put_script": lambda store, _, __: store.put_script(OTHER, BufferSource(DATA), SCRIPT),
}


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    (tmp_path / "upload").write_bytes(DATA)
    (tmp_path / "link").symlink_to(tmp_path / "upload")
    return tmp_path / "upload"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A disk of 100 GiB; tests say how much of it is free."""
    found = SimpleNamespace(f_bavail=25_000_000, f_blocks=25 << 20, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _folder: found)
    return found


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_nothing_is_written_beyond_the_quota(root: Path, upload: Path, write: Callable[..., object]) -> None:
    used = 0
    with closing(FileStore(root, room=Room(str(root), quota=12 * MIB, used=lambda: used))) as store:
        ref = store.put(KEY, DATA)
        used = 8 * MIB
        with pytest.raises(StorageFullError, match="MaximumStorageSize"):
            write(store, ref, upload)
        assert every_file(root) == {f"objects/{KEY}"}
        store.put("jobs/1/outcome.json", DATA)  # how a job says so
        store.put("results/1.json", DATA)  # no instance
        used = 6 * MIB
        write(store, ref, upload)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("kept", [None, 0, 2 << 30])
def test_nothing_is_written_where_the_disk_is_to_stay_free(
    root: Path, upload: Path, disk: SimpleNamespace, write: Callable[..., object], kept: int | None
) -> None:
    with closing(FileStore(root, room=Room(str(root), free=kept))) as store:
        ref = store.put(KEY, DATA)
        disk.f_bavail = ((512 << 20 if kept is None else kept) - 1) // 4096
        if kept == 0:
            write(store, ref, upload)
            return
        with pytest.raises(StorageFullError, match="MinimumFreeSpace"):
            write(store, ref, upload)
        with pytest.raises(StorageFullError):
            store.put("results/1.json", b"x")
        with pytest.raises(StorageFullError):
            store.scratch.keep([DATA])
        assert every_file(root) == {f"objects/{KEY}"}
        store.put("jobs/1/outcome.json", b"x")
        store.discard([ref], pinned=False)


def test_what_lies_on_the_disk_already_takes_no_more_of_it(
    root: Path, upload: Path, disk: SimpleNamespace
) -> None:
    with closing(FileStore(root, room=Room(str(root), free=1 << 30))) as store:
        disk.f_bavail = ((1 << 30) + MIB) // 4096  # less than the file
        store.put_file(KEY, str(upload))
        with pytest.raises(StorageFullError):
            store.put(OTHER, DATA)


def test_a_small_disk_may_be_filled_but_for_a_twentieth(root: Path, disk: SimpleNamespace) -> None:
    disk.f_blocks = (200 << 20) // 4096
    with closing(FileStore(root, room=Room(str(root), free=None))) as store:
        disk.f_bavail = (11 << 20) // 4096
        store.put(KEY, b"x")
        disk.f_bavail = (9 << 20) // 4096
        with pytest.raises(StorageFullError):
            store.put(OTHER, b"x")


@pytest.mark.parametrize("overwrite", list(OverwriteInstances))
def test_the_index_keeps_to_the_quota_whoever_writes(tmp_path: Path, overwrite: OverwriteInstances) -> None:
    def size(number: int, size: int, version: int = 0) -> InstanceEntry:
        key = f"instances/ab/{number}/{version}.dcm"
        found = entry(instance=f"i{number}", md5=f"{number}-{version}")
        return replace(found, object=ObjectRef(key, "", size))

    with closing(Database(tmp_path / "index.db", epoch=None)) as database:
        index = sqlite_index(database, quota=100)
        add = index.ingest.add
        assert [one.status for one in add([size(1, 40), size(2, 40)], overwrite=overwrite)] == [
            StoreStatus.SUCCESS
        ] * 2
        for refused in ([size(3, 21)], [size(3, 10), size(4, 11)], [size(3, 1000)]):
            with pytest.raises(StorageFullError):
                add(refused, overwrite=overwrite)
            assert index.catalogue.statistics().disk_size == 80
            assert index.catalogue.statistics().instances == 2
        add([size(3, 20)], overwrite=overwrite)
        assert index.catalogue.statistics().disk_size == 100
        if overwrite.replaces:
            add([size(3, 10, 1)], overwrite=overwrite)
            with pytest.raises(StorageFullError):
                add([size(3, 21, 2)], overwrite=overwrite)
        else:
            assert add([size(3, 1000, 1)], overwrite=overwrite)[0].status is StoreStatus.ALREADY_STORED
        lower = sqlite_index(database, quota=50)
        if overwrite.replaces:
            lower.ingest.add([size(1, 30, 1)], overwrite=overwrite)  # less than before
        with pytest.raises(StorageFullError):
            lower.ingest.add([size(5, 1)], overwrite=overwrite)
