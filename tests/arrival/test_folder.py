"""Files of a watched folder, to which others write, and whose names others give to other files, meanwhile."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dicomorph.dicom.stream.source import MemoryScratch
from dicomorph.embedded.arrivals import leases
from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.sightings import Sighting, look
from dicomorph.model.errors import TransientError, UnknownResourceError
from dicomorph.ports.arrivals import Arrived


def _waiting(folder: Path) -> dict[str, Sighting]:
    return {file.name: file for file in look(str(folder)).files}


def _arrived(folder: Path, name: str) -> Arrived:
    file = _waiting(folder)[name]
    return Arrived(file.name, file.place, file.version)


@pytest.fixture
def arrivals(tmp_path: Path) -> FolderArrivals:
    return FolderArrivals(str(tmp_path), MemoryScratch())


def _append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b" more")


def _rewrite(path: Path) -> None:
    """Write as many other bytes, and hide it as well as one can."""
    before = path.stat()
    path.write_bytes(b"other content")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    (path.parent / ".new").write_bytes(b"other content")
    (path.parent / ".new").replace(path)


CHANGES = pytest.mark.parametrize("change", [_append, _rewrite, _replace])


@CHANGES
def test_a_file_that_was_changed_since_it_was_seen_is_not_opened(
    tmp_path: Path, arrivals: FolderArrivals, change: Callable[[Path], None]
) -> None:
    (tmp_path / "a").write_bytes(b"first content")
    arrived = _arrived(tmp_path, "a")
    change(tmp_path / "a")
    with pytest.raises(UnknownResourceError):
        arrivals.open(arrived)


@CHANGES
def test_a_file_that_is_changed_while_it_is_worked_on_is_read_as_it_was_and_stays(
    tmp_path: Path, arrivals: FolderArrivals, change: Callable[[Path], None]
) -> None:
    (tmp_path / "a").write_bytes(b"first content")
    arrived = _arrived(tmp_path, "a")
    source = arrivals.open(arrived)
    change(tmp_path / "a")
    assert source.read(0, source.size) == b"first content"
    content = (tmp_path / "a").read_bytes()
    arrivals.remove(arrived)
    assert (tmp_path / "a").read_bytes() == content


@pytest.mark.parametrize("change", [_append, _replace])
def test_what_takes_the_name_of_a_file_just_before_its_deletion_waits_by_that_name(
    tmp_path: Path,
    arrivals: FolderArrivals,
    change: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "ct").mkdir()
    path = tmp_path / "ct/a"
    path.write_bytes(b"first content")
    arrived = _arrived(tmp_path, "ct/a")
    rename = os.rename

    def late(source: str, target: str, **folders: int) -> None:
        monkeypatch.undo()
        change(path)
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", late)
    arrivals.remove(arrived)
    [file] = _waiting(tmp_path).values()
    assert file.name == "ct/a"
    source = arrivals.open(Arrived(file.name, file.place, file.version))
    assert source.read(0, source.size) in (b"other content", b"first content more")
    arrivals.remove(Arrived(file.name, file.place, file.version))
    assert list((tmp_path / "ct").iterdir()) == []


def test_a_file_that_a_crash_left_put_aside_waits_as_the_version_that_it_was(
    tmp_path: Path, arrivals: FolderArrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    arrived = _arrived(tmp_path, "a")

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            arrivals.remove(arrived)
    again = _arrived(tmp_path, "a")
    assert again.version == arrived.version
    arrivals.remove(again)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_grows_while_it_is_read_is_not_taken(
    tmp_path: Path, arrivals: FolderArrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    arrived = _arrived(tmp_path, "a")
    read = os.read

    def slow(descriptor: int, size: int) -> bytes:
        _append(path)
        monkeypatch.undo()
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", slow)
    with pytest.raises(TransientError):
        arrivals.open(arrived)


def _link(path: Path, outside: Path) -> None:
    path.symlink_to(outside)


def _pipe(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


def _folder(path: Path, outside: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [_link, _pipe, _socket, _folder])
def test_only_files_are_seen_and_opened(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    arrivals: FolderArrivals,
    make: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_bytes(b"secret")
    (tmp_path / "a").write_bytes(b"content")
    arrived = _arrived(tmp_path, "a")
    (tmp_path / "a").unlink()
    make(tmp_path / "a", outside)
    assert _waiting(tmp_path) == {}
    with pytest.raises(UnknownResourceError):
        arrivals.open(arrived)
    with pytest.raises(UnknownResourceError):
        arrivals.is_written("a")
    arrivals.remove(arrived)
    assert os.path.lexists(tmp_path / "a")
    assert outside.read_bytes() == b"secret"


def test_a_folder_that_became_a_link_is_not_followed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, arrivals: FolderArrivals
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "ct").mkdir()
    (tmp_path / "ct/a").write_bytes(b"content")
    arrived = _arrived(tmp_path, "ct/a")
    (tmp_path / "ct").rename(outside / "ct")
    (tmp_path / "ct").symlink_to(outside / "ct")
    assert _waiting(tmp_path) == {}
    with pytest.raises(UnknownResourceError):
        arrivals.open(arrived)
    arrivals.remove(arrived)
    assert (outside / "ct/a").exists()


@pytest.mark.parametrize("name", [".a.dcm", "a.part", "A.TMP", "a.filepart", "a~", ".taken-", ".hidden/a"])
def test_names_for_the_time_being_are_left_alone_until_they_are_changed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"content")
    assert _waiting(tmp_path) == {}
    path.rename(tmp_path / "a.dcm")
    assert list(_waiting(tmp_path)) == ["a.dcm"]


@pytest.mark.parametrize("name", ["x" * 255, b"\xff\xfe.dcm", "a b\n.dcm"])
def test_any_name_will_do(tmp_path: Path, arrivals: FolderArrivals, name: str | bytes) -> None:
    text = os.fsdecode(name)
    (tmp_path / text).write_bytes(b"content")
    arrived = _arrived(tmp_path, text)
    assert arrivals.open(arrived).size == 7
    arrivals.remove(arrived)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="Only Linux tells of writers")
def test_a_file_that_somebody_has_open_for_writing_is_known_to_be(
    tmp_path: Path, arrivals: FolderArrivals
) -> None:
    with (tmp_path / "a").open("wb"):
        assert arrivals.is_written("a")
    with (tmp_path / "a").open("rb"):
        assert arrivals.is_written("a") is False


@pytest.mark.parametrize(
    ("mounts", "is_known"),
    [
        ([("/", "ext4"), ("/mnt/日本", "nfs4")], True),
        ([("/", "ext4"), ("{folder}", "nfs4"), ("/mnt", "ext4")], False),
        ([("/", "nfs4"), ("{folder}", "tmpfs"), ("{folder}-2", "cifs")], True),
        ([("/", "ext4"), ("{folder}", "xfs"), ("{folder}", "fuse.sshfs")], False),
        ([], False),
    ],
)
def test_writers_are_known_on_file_systems_of_the_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, mounts: list[tuple[str, str]], is_known: bool
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    escaped = str(folder).replace(" ", r"\040")
    lines = [
        f"36 35 8:1 / {point.format(folder=escaped)} rw,noatime shared:1 - {kind} /dev/a rw\n"
        for point, kind in mounts
    ]
    (tmp_path / "mountinfo").write_text("".join(lines), encoding="utf-8")
    monkeypatch.setattr(leases, "_MOUNTS", tmp_path / "mountinfo")
    (folder / "a").write_bytes(b"content")
    with (folder / "a").open("ab"):
        assert FolderArrivals(str(folder), MemoryScratch()).is_written("a") is (True if is_known else None)
