"""A real server that is killed amid uploads, deletions and jobs, again and again."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from tests.local.conftest import Server
from tests.local.mixture import SETTINGS, Mixture


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(SETTINGS))
    return path


def kill(server: Server, draw: random.Random) -> None:
    """Kill the server, with its workers or without them."""
    if draw.random() < 0.7:
        server.kill_group()
    else:
        server.stop(signal.SIGKILL)


def rounds(server: Server, number: int, seed: int) -> Mixture:
    draw = random.Random(seed)  # noqa: S311 - the same at every run
    mixture = Mixture(server, seed)
    for _ in range(number):
        mixture.begin()
        time.sleep(draw.uniform(0, 1))
        kill(server, draw)
        mixture.end()
        server.start()
        mixture.check()
        mixture.thin_out()
    return mixture


def test_a_kill_takes_nothing_that_was_answered_and_leaves_no_file_of_nobody(
    tmp_path: Path, settings: Path
) -> None:
    server = Server(tmp_path / "data", "--workers", "1", "--settings", str(settings)).start()
    rounds(server, 1, seed=1)
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.always
@pytest.mark.timeout(3600)
def test_many_kills_take_nothing_that_was_answered_and_leave_no_file_of_nobody(
    tmp_path: Path, settings: Path, pytestconfig: pytest.Config
) -> None:
    number = pytestconfig.getoption("--rounds")
    server = Server(tmp_path / "data", "--workers", "2", "--settings", str(settings)).start()
    mixture = rounds(server, number, seed=2)
    assert server.stop() == 0
    orphans = sum(path.is_file() for path in (server.data / "orphans").rglob("*"))
    print(f"{number} kills, {mixture.answers} answers, {orphans} orphans")  # noqa: T201
