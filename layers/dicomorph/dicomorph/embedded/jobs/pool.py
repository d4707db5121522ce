"""A supervised pool of worker processes on this machine.

Not `concurrent.futures.ProcessPoolExecutor`: there, one dead worker breaks the pool. Workers
are started afresh, not forked, and inherit nothing but their two pipes.
"""

from __future__ import annotations

import itertools
import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from dicomorph.embedded.jobs.worker import Verdict

_LAST = (1 << 62,)
_LAST_SECONDS = 2.0  # a killed process is gone as soon as the kernel comes to it


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """How a worker is started.

    Parameters
    ----------
    command : Sequence[str]
        Runs `dicomorph.embedded.jobs.worker.serve`.
    setup : Any
        What it needs to know, as JSON. Not part of the command, which other users can read.
    """

    command: Sequence[str]
    setup: Any


@dataclass(frozen=True, slots=True)
class Task:
    """One invocation of a handler."""

    kind: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """How a task ended, and what its handler answered if it is done."""

    verdict: Verdict
    answer: Any = None


class WorkerPool:
    """Runs tasks in processes, one thread dispatching to each; a dead worker is replaced.

    Parameters
    ----------
    spec : WorkerSpec
        How workers are started.
    size : int
        How many there are.
    """

    def __init__(self, spec: WorkerSpec, size: int) -> None:
        self._numbers = itertools.count()
        self._queue: queue.PriorityQueue[tuple[tuple[int, ...], int, _Order | None]] = queue.PriorityQueue()
        self._workers = [_Worker(spec) for _ in range(size)]
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._dispatch, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether no task will run any more."""
        return self._closed.is_set()

    def submit(self, task: Task, *, order: tuple[int, ...]) -> Future[Reply]:
        """Queue a task; the lowest `order` goes first, then the oldest.

        The future is cancelled if the pool is closed before the task ends. A future that
        somebody else cancels takes its task out of the queue, unless it runs.
        """
        future: Future[Reply] = Future()
        if self._closed.is_set():
            future.cancel()
        else:
            self._queue.put((order, next(self._numbers), _Order(task, future)))
        return future

    def close(self) -> None:
        """End all workers at once, whatever they do; return when they are gone, with what they had open."""
        self._closed.set()
        for worker in self._workers:
            self._queue.put((_LAST, next(self._numbers), None))
            worker.kill()
        deadline = time.monotonic() + _LAST_SECONDS
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _dispatch(self, worker: _Worker) -> None:
        worker.start()  # before the first task, so that it need not wait for imports
        while True:
            _, _, order = self._queue.get()
            if order is None:
                worker.bury()
                return
            if not order.future.set_running_or_notify_cancel():
                continue
            reply = None if self._closed.is_set() else worker.run(order.task)
            if reply is None or self._closed.is_set():
                order.future.set_exception(CancelledError())
            else:
                order.future.set_result(reply)


@dataclass(frozen=True, slots=True)
class _Order:
    task: Task
    future: Future[Reply]


class _Worker:
    """One process and its pipes. One thread calls `start` and `run`, any thread `kill`."""

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._killed = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        with self._lock:
            if self._killed:
                return
            try:
                self._process = _started(self._spec.command)
            except OSError:  # no process or no memory left: `run` tries again
                return
        self._send(self._spec.setup)

    def run(self, task: Task) -> Reply:
        """Run a task; a worker that died while it was idle is replaced before."""
        if self.pid is None:
            self.bury()
            self.start()
            if self._process is None:
                return Reply(Verdict.AGAIN)
        self._send({"kind": task.kind, "event": task.event})
        line = self._receive()
        if not line.endswith(b"\n"):
            self.bury()
            return Reply(Verdict.DIED)
        message = json.loads(line)
        return Reply(Verdict(message["verdict"]), message.get("answer"))

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _send(self, message: object) -> None:
        """Write a line; whether the worker lives shows when its answer is read."""
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return

    def _receive(self) -> bytes:
        process = self._process
        return process.stdout.readline() if process is not None and process.stdout is not None else b""

    def bury(self) -> None:
        """Reap a dead process and close its pipes."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not sent yet is lost with the worker
                    continue
        process.wait()


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process that Ctrl-C does not reach, from its first moment: that is for the server."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what is started inherits it
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
