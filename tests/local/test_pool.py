"""The pool of worker processes, with real processes that really die."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.jobs.pool import Reply, Task, WorkerPool, WorkerSpec
from dicomorph.embedded.jobs.worker import Verdict
from tests.local.machine import until

SPEC = WorkerSpec((sys.executable, str(Path(__file__).with_name("pool_worker.py"))), {"kind": "do"})


@pytest.fixture
def make_pool() -> Iterator[Callable[[int], WorkerPool]]:
    pools: list[WorkerPool] = []

    def make(size: int) -> WorkerPool:
        pools.append(WorkerPool(SPEC, size))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def submit(pool: WorkerPool, *steps: str, order: int = 0, **event: Any) -> Future[Reply]:
    return pool.submit(Task("do", {"steps": steps, **event}), order=(order,))


def alive(pid: int) -> bool:
    """Tell whether a process lives: of a dead one its parent hears when all its threads are gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def test_a_task_is_answered_by_another_process(make_pool: Callable[[int], WorkerPool]) -> None:
    reply = submit(make_pool(1)).result(30)
    assert reply.verdict is Verdict.DONE
    assert reply.answer["parent"] == os.getpid()
    assert reply.answer["sigint"]


def test_what_a_worker_prints_does_not_break_the_answers(make_pool: Callable[[int], WorkerPool]) -> None:
    assert submit(make_pool(1), "print").result(30).verdict is Verdict.DONE


def test_an_exception_fails_the_task_alone(make_pool: Callable[[int], WorkerPool]) -> None:
    pool = make_pool(1)
    failed, throttled, after = submit(pool, "fail"), submit(pool, "throttled"), submit(pool)
    assert failed.result(30).verdict is Verdict.FAILED
    assert throttled.result(30).verdict is Verdict.AGAIN
    assert after.result(30).verdict is Verdict.DONE


def test_a_dead_worker_is_replaced_and_costs_its_own_task_only(
    make_pool: Callable[[int], WorkerPool],
) -> None:
    pool = make_pool(2)
    replies = [submit(pool, *(("die",) if number == 3 else ())) for number in range(8)]
    verdicts = [reply.result(30).verdict for reply in replies]
    assert verdicts.count(Verdict.DIED) == 1
    assert verdicts[3] is Verdict.DIED
    assert verdicts.count(Verdict.DONE) == 7


def test_a_worker_that_died_while_idle_costs_nothing(make_pool: Callable[[int], WorkerPool]) -> None:
    pool = make_pool(1)
    pid = submit(pool).result(30).answer["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid))
    reply = submit(pool).result(30)
    assert reply.verdict is Verdict.DONE
    assert reply.answer["pid"] != pid


def test_urgent_tasks_go_first(make_pool: Callable[[int], WorkerPool], tmp_path: Path) -> None:
    pool = make_pool(1)
    ended: list[int] = []
    # The first one keeps the worker busy until the others are queued.
    first = submit(pool, "wait", order=0, marker=str(tmp_path / "go"))
    for order in (3, 1, 2):
        submit(pool, order=order).add_done_callback(functools.partial(_note, ended, order))
    (tmp_path / "go").touch()
    assert first.result(30).verdict is Verdict.DONE
    until(lambda: len(ended) == 3)
    assert ended == [1, 2, 3]


def _note(ended: list[int], order: int, _: Future[Reply]) -> None:
    ended.append(order)


def test_a_worker_inherits_no_socket_and_no_file(
    make_pool: Callable[[int], WorkerPool], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "open").open("w") as file:
        for number in (listener.fileno(), file.fileno()):
            os.set_inheritable(number, True)  # noqa: FBT003 - the function's own signature
        first, second = make_pool(1), make_pool(1)
        for pool in (first, second):
            files = submit(pool).result(30).answer["files"]
            assert not [name for name in files if name.startswith("socket:")]
            assert str(tmp_path / "open") not in files
            assert (
                len([name for name in files if name.startswith("pipe:")]) <= 4
            )  # its own, and a test's stderr


def test_closing_ends_workers_and_cancels_what_is_left(
    make_pool: Callable[[int], WorkerPool], tmp_path: Path
) -> None:
    pool = make_pool(1)
    marker = tmp_path / "begun"
    running = submit(pool, "tell", "hang", marker=str(marker))
    waiting = submit(pool)
    until(marker.exists)
    pids = [worker.pid for worker in pool._workers if worker.pid is not None]
    assert pids
    pool.close()
    for future in (running, waiting, submit(pool)):
        with pytest.raises(CancelledError):
            future.result(30)
    until(lambda: not any(map(alive, pids)))


PARENT = """
    import sys, time
    from dicomorph.embedded.jobs.pool import Task, WorkerPool, WorkerSpec
    pool = WorkerPool(WorkerSpec((sys.executable, sys.argv[1]), {"kind": "do"}), 2)
    for number in range(2):
        pool.submit(Task("do", {"steps": ["tell", "hang"], "marker": sys.argv[2] + str(number)}), order=(0,))
    time.sleep(600)
"""


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_their_parent_is_killed_in_the_middle_of_a_task(
    tmp_path: Path, deadly: signal.Signals
) -> None:
    script = str(Path(__file__).with_name("pool_worker.py"))
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), script, str(tmp_path / "begun")],
        start_new_session=True,
    )
    try:
        until(lambda: len(list(tmp_path.iterdir())) == 2)
        children = Path(f"/proc/{parent.pid}/task").glob("*/children")
        workers = [int(pid) for file in children for pid in file.read_text().split()]
        assert len(workers) == 2
        parent.send_signal(deadly)
        parent.wait(30)
        until(lambda: not any(map(alive, workers)))
    finally:
        parent.kill()
        parent.wait(30)
