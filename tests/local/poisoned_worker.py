"""A worker of the server whose process dies, once or always, for some tasks."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicomorph.jobs.local_worker import Handler, serve
from local import worker


def set_up(setup: Mapping[str, Any]) -> dict[str, Handler]:
    """Let tasks whose events are named die: always, or only if their marker is absent."""
    handlers = worker.set_up(setup["server"])

    def poisoned(kind: str) -> Handler:
        def handle(event: dict[str, Any], context: object) -> Any:
            for task, wanted, marker in setup["deaths"]:
                if task == kind and all(event.get(name, -1) == value for name, value in wanted.items()):
                    _die(marker)
            return handlers[kind](event, context)

        return handle

    return {kind: poisoned(kind) for kind in handlers}


def _die(marker: str) -> None:
    if marker:
        if Path(marker).exists():
            return
        Path(marker).touch()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(set_up)
