"""What the store of files does beyond the contract: keys, folders, permissions."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.errors import InternalError, UnknownResourceError
from dicomorph.model.resources import ObjectRef
from tests.contract.file_operations import KEY, OTHER, every_file

pytestmark = pytest.mark.usefixtures("file_system")


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
        store.discard(refs[:2], pinned=False)
        assert not list((root / "objects").iterdir())
        assert not every_file(root)


def test_moving_aside_and_deleting_at_once_disturb_nobody(root: Path) -> None:
    def work(worker: int) -> None:
        refs = [store.put(f"instances/ab/shared/{worker}-{turn}.dcm", b"x") for turn in range(50)]
        for number, ref in enumerate(refs):
            store.discard([ref], pinned=True)
            if number % 10 == worker:
                store.discard(refs[: number + 1], pinned=False)
        store.discard(refs, pinned=False)

    with closing(FileStore(root)) as store:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert not every_file(root)


@pytest.mark.parametrize("aside", ["pinned", "orphans"])
def test_a_deletion_finds_what_lies_aside(root: Path, aside: str) -> None:
    with closing(FileStore(root)) as store:
        ref, other = store.put(KEY, b"x"), store.put(OTHER, b"y")
        (root / aside / KEY).parent.mkdir(parents=True)
        (root / "objects" / KEY).rename(root / aside / KEY)
        store.discard([ref], pinned=False)
        with pytest.raises(UnknownResourceError):
            store.open(ref)
        assert every_file(root) == {f"objects/{other.key}"}
        assert not list((root / aside).iterdir())


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


def test_a_file_is_taken_and_not_copied(root: Path, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"x" * 5000)
    upload.chmod(0o644)
    with closing(FileStore(root, sync=True)) as store:
        store.put(KEY, b"what was there")
        for _ in range(2):  # the second time both are one file
            ref = store.put_file(KEY, str(upload))
        stored = root / "objects" / KEY
        assert stored.stat().st_ino == upload.stat().st_ino
        assert stat.S_IMODE(stored.stat().st_mode) == 0o600
        upload.unlink()
        assert (ref.size, store.get(KEY)) == (5000, b"x" * 5000)
        assert every_file(root) == {f"objects/{KEY}"}


def test_a_link_is_copied_and_what_is_behind_it_left_alone(root: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "upload").symlink_to(tmp_path / "theirs")
    with closing(FileStore(root)) as store:
        store.put_file(KEY, str(tmp_path / "upload"))
        assert store.get(KEY) == b"theirs"
        assert (root / "objects" / KEY).stat().st_ino != (tmp_path / "theirs").stat().st_ino
