"""A worker process of the embedded server: the same handlers of the workflow's tasks that Lambda calls."""

from __future__ import annotations

import base64
import importlib
import pickle
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dicomorph.jobs.local_pool import WorkerSpec
from dicomorph.jobs.local_worker import Handler, serve
from dicomorph.model.settings import Settings

_TASKS = {"plan": "plan_job", "batch": "edit_batch", "finalize": "finalize_job"}


class _NoRunner:
    """Workers run jobs, they start none."""

    def start(self, job_id: str) -> None:
        """Refuse."""
        raise NotImplementedError(job_id)


def worker_spec(data_dir: Path, settings: Settings, *, epoch: int) -> WorkerSpec:
    """Return how a worker of this run of the server is started."""
    plain = replace(
        settings, user_metadata=dict(settings.user_metadata)
    )  # its read-only view cannot be pickled
    setup = {
        "data": str(data_dir),
        "epoch": epoch,
        "settings": base64.b64encode(pickle.dumps(plain)).decode("ascii"),
    }
    return WorkerSpec((sys.executable, "-m", "local.worker"), setup)


def set_up(setup: Mapping[str, Any]) -> dict[str, Handler]:
    """Open the stores of this run, and return what runs each kind of task."""
    from dicomorph import bootstrap  # noqa: PLC0415 - Ctrl-C is ignored by now

    settings = pickle.loads(base64.b64decode(setup["settings"]))  # noqa: S301 - from the parent, by a pipe
    backend = bootstrap.embedded_backend(
        Path(setup["data"]), settings, epoch=setup["epoch"], runner=_NoRunner()
    )
    bootstrap.use_backend(backend)
    return {
        kind: importlib.import_module(f"functions.{folder}.app").lambda_handler
        for kind, folder in _TASKS.items()
    }


if __name__ == "__main__":
    serve(set_up)
