"""The store of files when the system refuses: full disks, and other errors."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.errors import InternalError, StorageFullError, TransientError
from tests.contract.file_operations import DATA, KEY, MIB, OPERATIONS, OTHER, every_file

pytestmark = pytest.mark.usefixtures("file_system")


@contextmanager
def small_files_only() -> Iterator[None]:
    """Let the kernel refuse files beyond a megabyte, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["put", "put_file", "put_edited"])
def test_a_full_disk_leaves_nothing_behind(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "upload").write_bytes(DATA)
    file = tmp_path / "link"
    file.symlink_to(tmp_path / "upload")  # which is copied, not taken
    with closing(FileStore(root)) as store:
        ref = store.put(KEY, DATA)
        with small_files_only():
            with pytest.raises(StorageFullError):
                OPERATIONS[name](store, ref, str(file))
            assert every_file(root) == {f"objects/{KEY}"}
            assert store.put(OTHER, b"a small one").size == 11


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EMFILE, TransientError),
        (errno.EIO, TransientError),
        (errno.EACCES, InternalError),
    ],
)
def test_errors_of_the_system_are_translated(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused", "/a/path/that/names/a/resource")

    with closing(FileStore(root)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", refuse)
            patch.setattr(os, "link", refuse)
            with pytest.raises(error) as caught:
                store.put(KEY, b"data")
        assert "resource" not in str(caught.value)
        assert not every_file(root)
