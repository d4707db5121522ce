"""A folder that is watched, in this process: what is put there in each way is taken, the rest stays."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from dicomorph.embedded.arrivals import notices, watching
from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.watching import Watching
from dicomorph.embedded.backend import embedded_backend, embedded_door, embedded_rejects, rejected_folder
from dicomorph.model.settings import parse_settings
from tests.support.api_client import make_dicom
from tests.support.arrivals import zipped
from tests.support.idle_runner import IdleRunner

RULES = {"": {"Anonymize": {}}, "out/": {"Anonymize": {}, "To": "research", "Pseudonyms": "one"}}


class Watched:
    """A watched folder beside a data folder."""

    def __init__(self, folder: Path, *, steady: float = 0, **settings: Any) -> None:
        self.incoming, self.data, self.research = folder / "in", folder / "data", folder / "research"
        for one in (self.incoming, self.data):
            one.mkdir()
        document = {"ArrivalRules": RULES, "Targets": {"research": str(self.research)}, **settings}
        found = parse_settings({"SyncStorageArea": False, **document})
        self.backend = embedded_backend(self.data, found, epoch=None, runner=IdleRunner())
        self.told: list[str] = []
        self.steady = steady

    @contextmanager
    def watching(self) -> Iterator[None]:
        rejected = embedded_rejects(self.data, self.backend.settings)
        arrivals = FolderArrivals(str(self.incoming), self.backend.objects.scratch)
        found = Watching(
            str(self.incoming),
            arrivals,
            lambda: embedded_door(self.backend, arrivals, rejected),
            steady=self.steady,
            tell=self.told.append,
        )
        try:
            yield
        finally:
            found.stop()

    def put(self, name: str, content: bytes) -> Path:
        path = self.incoming / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def is_heard(self) -> bool:
        """Put a file there; tell whether it was taken, which begins once the folder is watched."""
        self.put("0.dcm", make_dicom(instance=0))
        time.sleep(0.01)
        return self.files() == set()

    def files(self) -> set[str]:
        return {str(path.relative_to(self.incoming)) for path in self.incoming.rglob("*") if path.is_file()}

    def counts(self) -> tuple[int, int]:
        """Return the studies and instances in the store."""
        found = self.backend.index.catalogue.statistics()
        return found.studies, found.instances

    def rejects(self) -> list[Path]:
        return [path for path in rejected_folder(self.data).iterdir() if path.suffix != ".json"]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAUSE", 0.05)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_there_and_what_comes_is_anonymized_in_one_study_and_the_rest_is_set_aside(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path, steady=3600)  # so what is taken, the system has told of
    with watched.watching():
        wait_for(watched.is_heard)
        watched.put("a.dcm.part", make_dicom(instance=1)).rename(watched.incoming / "a.dcm")
        watched.put("ct/new/folder/.b", make_dicom(instance=2)).rename(watched.incoming / "b.dcm")
        watched.put("bad.dcm", b"Doe^Jane")
        watched.put("two.zip", zipped({"Doe/3": make_dicom(instance=3), "Doe/4": b"bad"}))
        watched.put("c.part", b"unfinished")
        wait_for(lambda: watched.files() == {"c.part"})
    assert watched.counts() == (1, 4)
    names = {str(dcmread(path).PatientName) for path in (watched.data / "objects/instances").rglob("*.dcm")}
    assert names == {"Anonymized1"}
    assert sorted(path.read_bytes() for path in watched.rejects()) == [b"Doe^Jane", b"bad"]
    assert (rejected_folder(watched.data).stat().st_mode & 0o777) == 0o700
    assert {path.stat().st_mode & 0o777 for path in watched.rejects()} == {0o600}
    assert (watched.incoming / "ct/new/folder").is_dir()
    assert "Doe" not in "".join([*watched.told, *map(str, watched.rejects())])


def test_a_file_is_taken_when_its_writer_has_closed_it_and_not_before(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    content = make_dicom(instance=1)
    with watched.watching():
        with (watched.incoming / "slow.dcm").open("wb", buffering=0) as stream:
            for at in range(0, len(content), len(content) // 4 + 1):
                stream.write(content[at : at + len(content) // 4 + 1])
                watched.put("other.dcm", make_dicom(instance=2))
                wait_for(lambda: watched.files() == {"slow.dcm"})
        wait_for(lambda: watched.files() == set())
    assert watched.counts() == (1, 2)
    assert watched.rejects() == []


def test_where_the_system_tells_nothing_files_are_found_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise OSError(errno.ENOSYS, "none")

    monkeypatch.setattr(notices, "Inotify", none)
    watched = Watched(tmp_path)
    watched.put("ct/1.dcm", make_dicom(instance=1))
    with watched.watching():
        wait_for(lambda: watched.files() == set())
    assert watched.counts() == (1, 1)


def test_a_rule_leads_to_a_folder_in_which_nothing_is_identified(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    for instance in range(3):
        watched.put(f"out/Doe^Jane/{instance}", make_dicom(instance=instance))
    with watched.watching():
        wait_for(lambda: watched.files() == set())
    products = [path for path in watched.research.rglob("*") if path.is_file()]
    assert len(products) == 3
    assert len({dcmread(path).StudyInstanceUID for path in products}) == 1
    for path in products:
        assert not any(
            found in str(path).encode() + path.read_bytes() for found in (b"Doe", b"PAT", b"1.2.3.")
        )
    assert watched.counts() == (0, 0)


def test_what_cannot_be_stored_for_want_of_room_stays_and_is_told_by_number(tmp_path: Path) -> None:
    watched = Watched(tmp_path, MinimumFreeSpace=1 << 40)
    watched.put("Doe^Jane.dcm", make_dicom(instance=1))
    with watched.watching():
        wait_for(lambda: bool(watched.told))
    assert watched.files() == {"Doe^Jane.dcm"}
    assert watched.told == [
        "Files that arrived wait and are tried again: The disk has no room beside MinimumFreeSpace: 1"
    ]
    assert watched.counts() == (0, 0)


def test_the_name_of_the_folder_of_clients_uploads_is_not_taken_past_the_rules(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.put("uploads/1.dcm", make_dicom(instance=1))
    with watched.watching():
        wait_for(lambda: bool(watched.told))
    assert watched.files() == {"uploads/1.dcm"}
    assert watched.counts() == (0, 0)
    assert "uploads" in watched.told[0]


def test_a_folder_that_goes_and_comes_back_is_watched_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    with watched.watching():
        watched.incoming.rename(tmp_path / "away")
        wait_for(lambda: bool(watched.told))
        (tmp_path / "away").rename(watched.incoming)
        watched.put("1.dcm", make_dicom(instance=1))
        wait_for(lambda: watched.files() == set())
    assert watched.counts() == (1, 1)


def test_a_file_that_may_not_be_deleted_is_stored_once_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def denied(source: str, target: str, **folders: int) -> None:
        if target.startswith(".taken-"):
            raise PermissionError(errno.EPERM, "denied")
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", denied)
    watched = Watched(tmp_path)
    watched.put("1.dcm", make_dicom(instance=1))
    with watched.watching():
        wait_for(lambda: bool(watched.told))
    assert watched.files() == {"1.dcm"}
    assert watched.counts() == (1, 1)
    assert watched.told == [
        "Files that arrived wait and are tried again: Files may not be read or deleted (EPERM): 1"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may read everything")
def test_a_file_that_may_not_be_read_stays(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.put("1.dcm", make_dicom(instance=1)).chmod(0)
    with watched.watching():
        wait_for(lambda: bool(watched.told))
    assert watched.files() == {"1.dcm"}
