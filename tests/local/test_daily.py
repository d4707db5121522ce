"""What a server that runs for weeks does once a day."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from dicomorph.embedded.tidying import Tidying
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
    _tidy_again(Tidying(server.backend, folder.path), folder)
    (kept,) = server.pins()
    assert files_of(folder.path) == {
        f"objects/{kept.object.key}",
        f"objects/results/{1:032x}.dcm",
        "objects/instances/ab/abcd/1.dcm",
        "orphans/instances/ab/abcd/2.dcm",
    }
    assert "1 file that nothing refers to was moved" in capsys.readouterr().err
    folder.release()
