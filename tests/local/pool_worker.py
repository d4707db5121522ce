"""A worker for tests of the pool: does what its task says, death included."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dicomorph.embedded.jobs.worker import serve
from dicomorph.model.errors import TransientError
from tests.local.deeds import die, die_once, wait


def fail(marker: Path) -> None:
    raise ValueError(marker)


def throttled(_: Path) -> None:
    raise TransientError


def make_noise(_: Path) -> None:
    print("noise")  # noqa: T201 - what a library might do


STEPS = {
    "die": die,
    "die-once": die_once,
    "fail": fail,
    "throttled": throttled,
    "print": make_noise,
    "hang": lambda _: time.sleep(600),
    "tell": Path.touch,
    "wait": wait,
}


def handle(event: dict[str, Any], _context: object) -> Any:
    for step in event["steps"]:
        STEPS[step](Path(event.get("marker", "")))
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "files": list(open_files()),
        "sigint": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    }


def open_files() -> Iterator[str]:
    for link in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):  # the one of this very listing
            yield str(link.readlink())


def set_up(setup: Any) -> dict[str, Any]:
    make_noise(Path())
    return {setup["kind"]: handle}


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    serve(set_up)
