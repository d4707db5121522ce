"""Workers that cannot be started: the machine has no process or no memory left for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomorph.embedded.jobs.pool import Task, WorkerPool, WorkerSpec
from dicomorph.embedded.jobs.worker import Verdict

TASK = Task("do", {"steps": []})


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "worker"


@pytest.fixture
def pool(program: Path) -> Iterator[WorkerPool]:
    pool = WorkerPool(
        WorkerSpec((str(program), str(Path(__file__).with_name("pool_worker.py"))), {"kind": "do"}), 1
    )
    yield pool
    pool.close()


def test_a_task_waits_for_a_worker_that_can_be_started(pool: WorkerPool, program: Path) -> None:
    for _ in range(2):
        assert pool.submit(TASK, order=(0,)).result(30).verdict is Verdict.AGAIN
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o700)
    assert pool.submit(TASK, order=(0,)).result(30).verdict is Verdict.DONE
