"""The store of files when its process dies at any call of the system."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.objects.store import FileStore
from tests.contract.file_operations import DATA, KEY, OPERATIONS, PINNED, SCRIPT, every_file

pytestmark = pytest.mark.usefixtures("file_system")


class Crash(BaseException):
    """The process is dead: nothing it would still do happens."""


@contextmanager
def crash_at_call(number: int) -> Iterator[None]:
    """Let the process die at its nth call of the system; before it has any effect."""
    names = (
        "open",
        "writev",
        "pread",
        "copy_file_range",
        "link",
        "rename",
        "unlink",
        "makedirs",
        "rmdir",
        "close",
    )
    calls = 0

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls >= number:
                raise Crash
            return function(*args, **options)

        return call

    gc.disable()  # what others left would close its files amid the crash
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in names:
                patch.setattr(os, name, dying(getattr(os, name)))
            yield
    finally:
        gc.enable()


def bury(store: FileStore) -> None:
    """Drop the lock of a dead process, as the kernel does; its folder stays."""
    detached = store._spool.close.detach()
    assert detached is not None
    os.close(detached[2][1])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_crash_at_any_step_leaves_nothing_half_done(tmp_path: Path, name: str) -> None:
    file = tmp_path / "upload"
    file.write_bytes(DATA)
    for number in range(1, 100):
        root = tmp_path / str(number)
        store = FileStore(root)
        ref = store.put(KEY, DATA)
        store.discard([store.put(PINNED.key, DATA)], pinned=True)
        try:
            with crash_at_call(number):
                OPERATIONS[name](store, ref, str(file))
        except Crash:
            finished = False
        else:
            finished = True
        bury(store)

        with closing(FileStore(root)) as again:
            assert not [path for path in every_file(root) if path.startswith("tmp")]
            for key in again.keys(""):
                assert again.get(key) in (DATA, SCRIPT.join(BufferSource(DATA)))
            with closing(again.open(ref) if name != "discard" else BufferSource(DATA)) as source:
                assert source.read(0, source.size) == DATA
            OPERATIONS[name](again, again.put(KEY, DATA), str(file))
        if finished:
            return
    pytest.fail("The operation takes more steps than expected")


def test_a_living_process_keeps_its_unfinished_files(root: Path) -> None:
    with closing(FileStore(root)) as writing:
        path, descriptor = writing._spool.create()
        os.close(descriptor)
        with closing(FileStore(root)):
            assert Path(path).exists()


def test_what_a_killed_process_left_is_swept(root: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from dicomorph.embedded.objects.store import FileStore\n"
        "store = FileStore(pathlib.Path(sys.argv[1]))\n"
        "path, descriptor = store._spool.create()\n"
        "os.write(descriptor, b'half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(root)], check=False)
    assert every_file(root)
    with closing(FileStore(root)):
        assert not every_file(root)
