"""What the kernel tells of a folder, and what is left of it when it has too much to tell (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dicomorph.embedded.arrivals.notices import Notices
from dicomorph.embedded.arrivals.patience import Patience
from dicomorph.embedded.arrivals.sightings import look

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="There is no inotify")
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def ready(folder: Path, patience: Patience, notices: Notices) -> list[str]:
    """Return what is taken now, of files that nobody would wait for otherwise."""
    notices.wait(0)
    notices.pass_on()
    listing = look(str(folder))
    notices.watch(listing.folders)
    return sorted(file.name for file in patience.see(listing.files, 0))


def test_a_file_is_told_of_when_it_is_closed_or_moved_in_also_in_folders_that_move(tmp_path: Path) -> None:
    folder, patience = tmp_path / "in", Patience(3600)
    (folder / "a").mkdir(parents=True)
    notices = Notices(str(folder), patience)
    assert ready(folder, patience, notices) == []
    with (folder / "a/slow").open("wb", buffering=0) as stream:
        stream.write(b"content")
        assert ready(folder, patience, notices) == []
        assert patience.may_be_written("a/slow")
    assert ready(folder, patience, notices) == ["a/slow"]
    (folder / "a").rename(folder / "b")
    assert ready(folder, patience, notices) == []
    (tmp_path / "moved").write_bytes(b"content")
    (tmp_path / "moved").rename(folder / "b/moved")
    assert ready(folder, patience, notices) == ["b/moved"]
    notices.close()


@pytest.mark.slow
def test_events_that_were_lost_leave_nothing_that_keeps_a_file_waiting(tmp_path: Path) -> None:
    patience = Patience(3600)
    notices = Notices(str(tmp_path), patience)
    ready(tmp_path, patience, notices)
    with (tmp_path / "a").open("wb", buffering=0) as stream:
        stream.write(b"content")
        ready(tmp_path, patience, notices)
        assert patience.may_be_written("a")
        other = tmp_path / "b"
        other.touch()
        for number in range(int(QUEUE.read_text()) + 1):
            other = other.rename(tmp_path / f"b{number % 2}")
        ready(tmp_path, patience, notices)
        assert not patience.may_be_written("a")
    notices.close()
