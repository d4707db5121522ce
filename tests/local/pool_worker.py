"""A worker for tests of the pool: does what its task says, death included."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from dicomorph.jobs.local_worker import serve
from dicomorph.model.errors import TransientError


def handle(event: dict[str, Any], _context: object) -> Any:
    for step in event["steps"]:
        match step:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "die-once":
                marker = Path(event["marker"])
                if not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case "fail":
                raise ValueError(event)
            case "throttled":
                raise TransientError
            case "print":
                print("noise")
            case "hang":
                time.sleep(600)
            case "tell":
                Path(event["marker"]).touch()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "files": [os.readlink(f"/proc/self/fd/{fd}") for fd in _open_files()],
        "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    }


def _open_files() -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        found.append(int(name))
    return found


def set_up(setup: Any) -> dict[str, Any]:
    print("a library greets")
    return {setup["kind"]: handle}


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    serve(set_up)
