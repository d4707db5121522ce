"""What the store of files does beyond the contract: crashes, full disks, folders."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dicomorph.dicom.edit_script import EditScript
from dicomorph.dicom.source import BufferSource
from dicomorph.model.errors import InternalError, StorageFullError, TransientError, UnknownResourceError
from dicomorph.model.resources import ObjectRef
from dicomorph.storage.files import FileStore

MIB = 1 << 20
KEY = "instances/ab/abcd/1.dcm"
OTHER = "instances/ab/abcd/2.dcm"
DATA = bytes(range(256)) * (5 * MIB // 256)
SCRIPT = EditScript.of([b"header", (100, 5 * MIB), b"tail"])


@pytest.fixture(autouse=True, params=["nameless", "aside"])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the file system as it is, and as one that has no nameless files."""
    if request.param == "aside":
        monkeypatch.setattr("dicomorph.storage.files.can_be_nameless", lambda _: False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def every_file(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


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

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(os, name, dying(getattr(os, name)))
        yield


def bury(store: FileStore) -> None:
    """Drop the lock of a dead process, as the kernel does; its folder stays."""
    detached = store._spool.close.detach()
    assert detached is not None
    os.close(detached[2][1])


OPERATIONS: dict[str, Callable[[FileStore, ObjectRef, str], object]] = {
    "put": lambda store, _, __: store.put(OTHER, DATA),
    "put elsewhere": lambda store, _, __: store.put("jobs/1/request.json", DATA),
    "put again": lambda store, ref, _: store.put(ref.key, DATA),
    "put_file": lambda store, _, file: store.put_file(OTHER, file),
    "put_edited": lambda store, ref, _: store.put_edited(OTHER, ref, SCRIPT),
    "discard": lambda store, ref, _: store.discard([ref], pinned=False),
    "discard pinned": lambda store, ref, _: store.discard([ref], pinned=True),
    "release": lambda store, _, __: store.release(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_crash_at_any_step_leaves_nothing_half_done(tmp_path: Path, name: str) -> None:
    file = tmp_path / "upload"
    file.write_bytes(DATA)
    for number in range(1, 100):
        root = tmp_path / str(number)
        store = FileStore(root)
        ref = store.put(KEY, DATA)
        store.discard([store.put("instances/cd/old/1.dcm", DATA)], pinned=True)
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
        "from dicomorph.storage.files import FileStore\n"
        "store = FileStore(pathlib.Path(sys.argv[1]))\n"
        "path, descriptor = store._spool.create()\n"
        "os.write(descriptor, b'half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(root)], check=False)
    assert every_file(root)
    with closing(FileStore(root)):
        assert not every_file(root)


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """Let the kernel refuse files beyond a megabyte, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["put", "put_file", "put_edited"])
def test_a_full_disk_leaves_nothing_behind(
    root: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    file = tmp_path / "upload"
    file.write_bytes(DATA)
    with closing(FileStore(root)) as store:
        ref = store.put(KEY, DATA)
        request.getfixturevalue("small_files_only")
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


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/./b",
        "a/",
        ".hidden",
        "a\0b",
        "a\nb",
        "é",
        "a" * 300,
    ],
)
def test_strange_keys_are_refused(root: Path, tmp_path: Path, key: str) -> None:
    with closing(FileStore(root)) as store:
        for use in (
            lambda: store.put(key, b""),
            lambda: store.get(key),
            lambda: store.open(ObjectRef(key, "", 0)),
            lambda: store.discard([ObjectRef(key, "", 0)], pinned=False),
            lambda: store.link(ObjectRef(key, "", 0), file_name="x"),
        ):
            with pytest.raises(InternalError, match="not allowed"):
                use()
    assert not every_file(tmp_path)


def test_empty_folders_are_pruned(root: Path) -> None:
    with closing(FileStore(root)) as store:
        refs = [store.put(key, b"") for key in (KEY, OTHER, "jobs/1/request.json")]
        store.discard(refs[:2], pinned=True)
        assert [path.name for path in (root / "objects").iterdir()] == ["jobs"]
        store.discard(refs[2:], pinned=False)
        store.release()
        assert not list((root / "objects").iterdir())
        assert not every_file(root)


def test_releasing_disturbs_nobody(root: Path) -> None:
    def work(worker: int) -> None:
        for turn in range(50):
            ref = store.put(f"instances/ab/shared/{worker}-{turn}.dcm", b"x")
            store.discard([ref], pinned=True)
            if turn % 10 == worker:
                store.release()

    with closing(FileStore(root)) as store:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        store.release()
        assert not every_file(root)


def test_released_objects_are_gone(root: Path) -> None:
    with closing(FileStore(root)) as store:
        ref = store.put(KEY, b"x")
        store.discard([ref], pinned=True)
        store.release()
        with pytest.raises(UnknownResourceError):
            store.open(ref)


def test_files_are_private(root: Path) -> None:
    with closing(FileStore(root, sync=True)) as store:
        store.put(KEY, b"x")
        assert stat.S_IMODE((root / "objects" / KEY).stat().st_mode) == 0o600
        assert stat.S_IMODE((root / "objects").stat().st_mode) == 0o700


def test_a_link_names_the_file(tmp_path: Path) -> None:
    with closing(FileStore(tmp_path / "a folder")) as store:
        link = store.link(store.put(KEY, b"x"), file_name="any.dcm")
    assert link == (tmp_path / "a folder" / "objects" / KEY).as_uri()
    assert link.startswith("file:///")
