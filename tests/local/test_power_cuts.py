"""A real server on a real file system whose power is cut amid requests and jobs, again and again."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.conftest import Server
from tests.local.disk_image import SYSTEMS, CannotMountError, DiskImage, lacks
from tests.local.mixture import SETTINGS, Mixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.always,
    pytest.mark.timeout(3600),
]


@pytest.fixture(params=SYSTEMS)
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DiskImage]:
    if reason := lacks(request.param):
        pytest.skip(reason)
    try:
        disk = DiskImage(tmp_path, request.param)
    except CannotMountError as error:
        pytest.skip(str(error))
    yield disk
    disk.remove()


@pytest.fixture
def server(tmp_path: Path, disk: DiskImage) -> Iterator[Server]:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({**SETTINGS, "SyncStorageArea": True}))
    server = Server(disk.root / "data", "--workers", "2", "--settings", str(settings))
    server.log = tmp_path / "server.log"
    yield server.start()
    if server.process is not None and server.process.poll() is None:
        server.kill_group()


def test_a_power_cut_takes_nothing_that_was_answered_and_brings_nothing_back(
    server: Server, disk: DiskImage, pytestconfig: pytest.Config
) -> None:
    draw = random.Random(3)  # noqa: S311 - the same at every run
    mixture = Mixture(server, seed=3)
    number = pytestconfig.getoption("--rounds")
    lost = 0
    for _ in range(number):
        mixture.begin()
        time.sleep(draw.uniform(0, 1.5))
        unsynced = disk.root / "unsynced"
        unsynced.write_bytes(b"nobody waits for the disk to have this")
        before = mixture.moment()
        disk.copy()
        after = mixture.moment()
        server.kill_group()
        mixture.end()
        disk.put_back()
        lost += not unsynced.exists() or not unsynced.read_bytes()
        unsynced.unlink(missing_ok=True)
        server.start()
        mixture.check(before, after)
        mixture.thin_out()
    assert server.stop() == 0
    orphans = sum(path.is_file() for path in (server.data / "orphans").rglob("*"))
    print(  # noqa: T201 - for -s
        f"{number} power cuts, {mixture.answers} answers, {orphans} orphans; {lost} unsynced files were lost"
    )
    assert lost > number / 2, "The power was not cut"
