"""A worker of the server that dies, waits or finds no space at some tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicomorph.embedded.jobs.worker import Handler, serve
from dicomorph.model.errors import StorageFullError
from local import worker
from tests.local.deeds import die, die_once, wait


def set_up(setup: Mapping[str, Any]) -> dict[str, Handler]:
    """Let something happen at tasks whose events are named, with or without a marker."""
    handlers = worker.set_up(setup["server"])

    def poisoned(kind: str) -> Handler:
        def handle(event: dict[str, Any], context: object) -> Any:
            for deed, task, wanted, marker in setup["poisons"]:
                if task == kind and all(event.get(name, -1) == value for name, value in wanted.items()):
                    _DEEDS[deed](Path(marker))
            return handlers[kind](event, context)

        return handle

    return {kind: poisoned(kind) for kind in handlers}


def _find_no_space(marker: Path) -> None:
    if not marker.exists():
        raise StorageFullError


_DEEDS = {"die": die, "die-once": die_once, "wait": wait, "find-no-space": _find_no_space}


if __name__ == "__main__":
    serve(set_up)
