"""What a server that runs for weeks does once a day."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from dicomorph.embedded.backend import embedded_rejects, rejected_folder
from dicomorph.embedded.tidying import Tidying
from dicomorph.model.settings import Settings
from local.daily import DAY, every_day
from local.data_folder import lock_data_folder
from local.run import _tidy_again
from tests.workflows.embedded import files_of, serve


def test_what_is_done_every_day_is_done_again_and_again_until_the_end() -> None:
    done = threading.Semaphore(0)
    with every_day(done.release, period=0.001):
        for _ in range(3):
            assert done.acquire(timeout=30)
    for thread in threading.enumerate():
        if thread.name == "daily":
            thread.join(30)
            assert not thread.is_alive()


def test_files_of_nobody_for_three_days_and_answers_of_yesterday_go_while_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lock_data_folder(tmp_path / "data")
    server = serve(folder.path)
    server.upload()
    results = {f"results/{number:032x}.dcm": days for number, days in ((1, 0.9), (2, 1.1))}
    strays = {f"instances/ab/abcd/{number}.dcm": days for number, days in ((1, 2.9), (2, 3.1))}
    now = time.time()
    for key, days in {**results, **strays}.items():
        server.backend.objects.put(key, b"x")
        os.utime(folder.objects / key, (now - days * DAY,) * 2)
    _tidy_again(Tidying(server.backend, folder.path), folder, rejected_days=30)
    (kept,) = server.pins()
    assert files_of(folder.path) == {
        f"objects/{kept.object.key}",
        f"objects/results/{1:032x}.dcm",
        "objects/instances/ab/abcd/1.dcm",
        "orphans/instances/ab/abcd/2.dcm",
    }
    assert "1 file that nothing refers to was moved" in capsys.readouterr().err
    folder.release()


def _set_aside(data: Path, days: Mapping[str, float]) -> None:
    """Leave files, each with its reason, as if they had arrived so many days ago; and something of others."""
    rejects, now = embedded_rejects(data, Settings()), time.time()
    names = [name for one in days for name in (one, f"{one}.json")] + ["notes.txt"]
    for name in names:
        rejects.store.put(name, b"x")
        age = days.get(name.removesuffix(".json"), 1000)
        os.utime(rejected_folder(data) / name, (now - age * DAY,) * 2)


@pytest.mark.parametrize(("days", "kept"), [(30, {"1", "2"}), (3, {"1"}), (0, {"1", "2", "3"})])
def test_what_was_set_aside_goes_when_its_days_are_over_and_nothing_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], days: int, kept: set[str]
) -> None:
    folder = lock_data_folder(tmp_path / "data")
    server = serve(folder.path)
    _set_aside(folder.path, {f"{number:032x}": age for number, age in ((1, 2.9), (2, 29.9), (3, 30.1))})
    for _ in range(2):
        _tidy_again(Tidying(server.backend, folder.path), folder, rejected_days=days)
    left = {path.name for path in rejected_folder(folder.path).iterdir()}
    names = {f"{int(one):032x}" for one in kept}
    assert left == names | {f"{name}.json" for name in names} | {"notes.txt"}
    said = capsys.readouterr().err
    assert said.count("deleted") == (days > 0)
    assert ("1 file " in said) == (days == 30)
    assert ("2 files " in said) == (days == 3)
    folder.release()
