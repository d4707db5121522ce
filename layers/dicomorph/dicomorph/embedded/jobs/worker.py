"""A worker process of the embedded server: one task at a time, from a pipe.

The first line on standard input is the setup, every other one a task; each task is answered
by one line. All lines are JSON. Standard input ends when the parent process ends, however it
ends, and so does the worker then, in the middle of a task too: tasks can be repeated.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dicomorph.model.errors import StorageFullError, TransientError

Handler: TypeAlias = Callable[[dict[str, Any], object], Any]

_logger = logging.getLogger(__name__)


class Verdict(enum.Enum):
    """How a task ended; a worker that dies says nothing."""

    DONE = "done"
    AGAIN = "again"
    FAILED = "failed"
    FULL = "full"
    DIED = "died"


def serve(set_up: Callable[[Any], Mapping[str, Handler]]) -> None:
    """Answer tasks until the parent process ends.

    Parameters
    ----------
    set_up : Callable[[Any], Mapping[str, Handler]]
        Called with the setup; returns what runs each kind of task.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that prints may break the protocol
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    handlers = set_up(tasks.get())
    while True:
        task = tasks.get()
        answer = _run(handlers[task["kind"]], task["event"])
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _read(tasks: queue.SimpleQueue[Any]) -> None:
    for line in sys.stdin.buffer:
        tasks.put(json.loads(line))
    os._exit(0)


def _run(handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"verdict": Verdict.DONE.value, "answer": handler(event, None)}
    except TransientError:
        return {"verdict": Verdict.AGAIN.value}
    except Exception as error:  # noqa: BLE001 - the worker outlives its tasks
        # Only the type: the message of a foreign exception may quote a value.
        _logger.error("A task failed with %s", type(error).__name__)  # noqa: TRY400 - as said
        full = isinstance(error, StorageFullError)
        return {"verdict": (Verdict.FULL if full else Verdict.FAILED).value}
