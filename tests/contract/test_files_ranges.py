"""Edited copies in the store of files, with a kernel that copies ranges, little at once, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.errors import InternalError
from tests.contract.file_operations import DATA, KEY, MIB, OTHER, SCRIPT, every_file

pytestmark = pytest.mark.usefixtures("file_system")


@pytest.mark.parametrize("refusal", [errno.EXDEV, errno.ENOSYS, errno.EINVAL, None])
def test_ranges_are_copied_without_the_kernels_help(
    root: Path, monkeypatch: pytest.MonkeyPatch, refusal: int | None
) -> None:
    def refuse(*_: object) -> int:
        if refusal is None:
            return 0
        raise OSError(refusal, "refused")

    with closing(FileStore(root)) as store:
        ref = store.put(KEY, DATA)
        monkeypatch.setattr(os, "copy_file_range", refuse)
        store.put_edited(OTHER, ref, SCRIPT)
        assert store.get(OTHER) == SCRIPT.join(BufferSource(DATA))


def test_a_kernel_that_takes_little_at_once_is_asked_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev, pread, copy = os.writev, os.pread, os.copy_file_range
    data = DATA[: 2 * MIB]
    script = EditScript.of([b"header" * 1000, (5, 1000), b"more" * 1000, (500, 2 * MIB)])
    with closing(FileStore(root)) as store:
        ref = store.put(KEY, data)
        monkeypatch.setattr(os, "writev", lambda fd, pieces: writev(fd, [pieces[0][:4099]]))
        monkeypatch.setattr(os, "pread", lambda fd, length, at: pread(fd, min(length, 777), at))
        monkeypatch.setattr(os, "copy_file_range", lambda src, dst, n, at: copy(src, dst, min(n, 65_537), at))
        store.put_edited(OTHER, ref, script)
        monkeypatch.undo()
        assert store.get(OTHER) == script.join(BufferSource(data))


@pytest.mark.parametrize("stop", [11, 5 * MIB])
def test_a_script_that_leaves_its_source_stores_nothing(root: Path, stop: int) -> None:
    with closing(FileStore(root)) as store:
        ref = store.put(KEY, b"0123456789")
        with pytest.raises(InternalError):
            store.put_edited(OTHER, ref, EditScript.of([(0, stop)]))
        assert every_file(root) == {f"objects/{KEY}"}
