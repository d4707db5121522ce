"""``python -m local.worker``: a process that runs the tasks of jobs, started by the server.

It calls the handlers that Step Functions calls on AWS, with the same events.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicomorph.embedded.jobs.pool import WorkerSpec
from dicomorph.embedded.jobs.worker import Handler, serve
from dicomorph.jobs.model import Job
from dicomorph.model.errors import InternalError
from dicomorph.model.resources import Json
from dicomorph.model.settings import parse_settings
from local.functions import load_module
from local.template import TEMPLATE

_TASKS = {"plan": "plan_job", "batch": "edit_batch", "finalize": "finalize_job"}


def worker_spec(data: Path, settings: Json, *, epoch: int) -> WorkerSpec:
    """Return how the server starts a worker.

    Parameters
    ----------
    data : Path
        The data folder.
    settings : Json
        The document that `parse_settings` accepts.
    epoch : int
        The run of the server; a later one makes this worker's writes fail.
    """
    return WorkerSpec(
        (sys.executable, "-m", __name__), {"data": str(data), "settings": settings, "epoch": epoch}
    )


def set_up(setup: Mapping[str, Any]) -> dict[str, Handler]:
    """Make the backend of this process and load what runs each kind of task."""
    from dicomorph import bootstrap  # noqa: PLC0415 - what takes long comes after Ctrl-C is ignored
    from dicomorph.embedded.backend import embedded_backend  # noqa: PLC0415

    backend = embedded_backend(
        Path(setup["data"]), parse_settings(setup["settings"]), epoch=setup["epoch"], runner=NoRunner()
    )
    bootstrap.use_backend(backend)
    functions = TEMPLATE.parent / "functions"
    return {task: load_module(functions / name / "app.py").lambda_handler for task, name in _TASKS.items()}


class NoRunner:
    """A worker starts no jobs, and stops none."""

    def start(self, job: Job) -> None:
        """Refuse."""
        raise InternalError(f"Job {job.id} cannot be started by a worker")

    def stop(self, job: Job) -> None:
        """Refuse."""
        raise InternalError(f"Job {job.id} cannot be stopped by a worker")

    def loss(self, job: Job) -> None:
        """Know of none."""


if __name__ == "__main__":
    serve(set_up)
