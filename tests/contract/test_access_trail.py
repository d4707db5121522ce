"""The access trail on both adapters, and what becomes of lines when something is in the way."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import boto3
import pytest

from dicomorph.aws.access_trail import CloudWatchTrail
from dicomorph.embedded.access_trail import FILE, FileTrail
from dicomorph.model.errors import InternalError, StorageFullError, TransientError
from dicomorph.ports.trail import AccessTrail
from tests.support.quick_moto import quick_aws

GROUP = "stack-access-trail"
Kept = Callable[[], list[str]]


def line(number: int, size: int = 1) -> str:
    return json.dumps({"Number": number, "Text": "x" * size})


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(one)["Number"] for one in lines]


@pytest.fixture
def logs() -> Iterator[Any]:
    with quick_aws():
        client = boto3.client("logs")
        client.create_log_group(logGroupName=GROUP)
        yield client


@pytest.fixture(params=["files", "cloudwatch"])
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[AccessTrail, Kept]:
    """An empty trail, and what tells which lines it holds, in order."""
    if request.param == "files":
        return FileTrail(tmp_path, size=1 << 20), lambda: files(tmp_path)
    client = request.getfixturevalue("logs")
    return CloudWatchTrail(client, GROUP, "2026/01/02/ab"), lambda: streams(client)


def files(folder: Path) -> list[str]:
    """Return the lines of all files, the full ones first."""
    full = sorted(folder.glob("access-trail-*.jsonl"))
    return [one for path in (*full, folder / FILE) if path.exists() for one in path.read_text().splitlines()]


def streams(client: Any) -> list[str]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
    return [event["message"] for page in pages for event in page["events"]]


def test_lines_are_kept_in_their_order(trail: tuple[AccessTrail, Kept]) -> None:
    found, kept = trail
    found.write([])
    found.write([line(0)])
    found.write([line(1), line(2)])
    assert kept() == [line(0), line(1), line(2)]


def test_many_long_lines_are_kept(trail: tuple[AccessTrail, Kept]) -> None:
    found, kept = trail
    found.write([line(number, 200_000) for number in range(12)])
    assert numbers(kept()) == list(range(12))


def test_threads_lose_no_line(trail: tuple[AccessTrail, Kept]) -> None:
    found, kept = trail
    if isinstance(found, CloudWatchTrail):
        found.write([])  # moto has no locks of its own
    with ThreadPoolExecutor(8 if isinstance(found, FileTrail) else 1) as threads:
        list(threads.map(lambda number: found.write([line(number)]), range(100)))
    assert sorted(numbers(kept())) == list(range(100))


# ------------------------------------------------------------------------ files


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "trail"
    FileTrail(folder, size=1).write([line(0)])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600


def test_full_files_are_set_aside_and_kept(tmp_path: Path) -> None:
    trail = FileTrail(tmp_path, size=100)
    for number in range(20):
        trail.write([line(number)])
    assert numbers(files(tmp_path)) == list(range(20))
    full = list(tmp_path.glob("access-trail-*.jsonl"))
    assert len(full) == 4
    assert all(100 <= path.stat().st_size < 140 for path in full)


def test_as_many_full_files_are_kept_as_were_asked_for(tmp_path: Path) -> None:
    trail = FileTrail(tmp_path, size=1, kept=3)
    for number in range(9):
        trail.write([line(number)])
    assert numbers(files(tmp_path)) == [5, 6, 7, 8]


def test_a_line_that_a_crash_has_cut_short_spoils_no_other(tmp_path: Path) -> None:
    FileTrail(tmp_path, size=1 << 20).write([line(0)])
    with (tmp_path / FILE).open("a") as file:
        file.write('{"Numb')
    FileTrail(tmp_path, size=1 << 20).write([line(1)])
    assert files(tmp_path) == [line(0), '{"Numb', line(1)]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_line_that_does_not_fit_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    trail = FileTrail(tmp_path, size=1 << 20)
    trail.write([line(0)])
    write = os.write

    def fill(descriptor: int, data: memoryview) -> int:
        if len(data) < 10:
            raise OSError(reason, "no more")
        return write(descriptor, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill)
        with pytest.raises(TransientError if reason == errno.EIO else StorageFullError):
            trail.write([line(1)])
    assert files(tmp_path) == [line(0)]
    trail.write([line(2)])
    assert numbers(files(tmp_path)) == [0, 2]


def test_a_file_that_others_have_moved_is_followed_by_another_one(tmp_path: Path) -> None:
    trail = FileTrail(tmp_path, size=1 << 20)
    trail.write([line(0)])
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    trail.write([line(1)])
    assert (tmp_path / "elsewhere").read_text().splitlines() == [line(0)]
    assert files(tmp_path) == [line(1)]


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / FILE).symlink_to(tmp_path / "other")
    with pytest.raises(TransientError):
        FileTrail(tmp_path, size=1).write([line(0)])
    assert (tmp_path / "other").read_text() == ""


def _write_some(folder: Path, first: int) -> None:
    trail = FileTrail(folder, size=300, sync=False)
    for number in range(first, first + 100):
        trail.write([line(number)])


def test_processes_that_fill_files_together_lose_no_line(tmp_path: Path) -> None:
    context = get_context("fork")
    writers = [context.Process(target=_write_some, args=(tmp_path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(numbers(files(tmp_path))) == list(range(300))


# ------------------------------------------------------------------- CloudWatch


def test_a_stream_that_is_there_already_is_written_to(logs: Any) -> None:
    for number in range(2):
        CloudWatchTrail(logs, GROUP, "same").write([line(number)])
    assert numbers(streams(logs)) == [0, 1]


def test_a_group_that_is_not_there_is_an_error(logs: Any) -> None:
    with pytest.raises(InternalError) as caught:
        CloudWatchTrail(logs, "unknown", "a").write([line(0)])
    assert "Number" not in caught.value.details


def test_lines_that_cloudwatch_rejects_are_an_error(logs: Any) -> None:
    trail = CloudWatchTrail(logs, GROUP, "a", now=lambda: 1_000_000_000.0)  # long ago
    with pytest.raises(InternalError):
        trail.write([line(0)])
