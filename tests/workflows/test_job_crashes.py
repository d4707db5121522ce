"""A job is run again after a crash at any of its steps, and ends as if there had been none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.edit_batch import edit_batch
from dicomorph.services.finalize_job import finalize_job
from dicomorph.services.plan_job import plan_job
from tests.workflows.embedded import Server, serve

_WRITES = frozenset(
    {
        "put",
        "put_edited",
        "discard",
        "release",
        "add",
        "remove_instances",
        "refresh",
        "update",
        "delete",
    }
)


class CrashError(BaseException):
    """The process is gone; nobody may catch it."""


class Fuse:
    """Ends the process before or after one of the writes."""

    def __init__(self, burns_at: int, *, after: bool) -> None:
        self.writes = 0
        self._burns_at = burns_at
        self._after = after

    def wrap(self, port: Any) -> Any:
        return _Fused(port, self)

    def write(self, call: Callable[[], Any]) -> Any:
        self.writes += 1
        burns = self.writes == self._burns_at
        if burns and not self._after:
            raise CrashError
        result = call()
        if burns:
            raise CrashError
        return result


class _Fused:
    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _WRITES:
            return found
        return lambda *args, **options: self._fuse.write(lambda: found(*args, **options))


def fused(server: Server, fuse: Fuse) -> Server:
    backend = server.backend
    return Server(
        replace(
            backend,
            objects=fuse.wrap(backend.objects),
            index=fuse.wrap(backend.index),
            jobs=fuse.wrap(backend.jobs),
        )
    )


def work(server: Server, job: Job) -> None:
    """Run the steps as a workflow does that begins again."""
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id)


CASES: dict[str, tuple[dict[str, Any], OverwriteInstances]] = {
    "replacing": ({"KeepSource": False}, OverwriteInstances.NEVER),
    "in-place": (
        {
            "Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
            "Force": True,
            "Replace": {"StudyDescription": "New"},
        },
        OverwriteInstances.ALWAYS,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_write_changes_nothing_in_the_end(tmp_path: Path, case: str, after: bool) -> None:  # noqa: FBT001
    body, overwrite = CASES[case]
    step = 0
    while True:
        step += 1
        server = serve(tmp_path / str(step), overwrite_instances=overwrite)
        for number in (1, 2, 3):
            study = server.upload(number=number)["ParentStudy"]
        job = server.submit(study, body=body)
        fuse = Fuse(step, after=after)
        try:
            work(fused(server, fuse), job)
        except CrashError:
            work(server, job)
        done = server.job(job.id)
        assert (done.error_code, done.content["InstancesCount"], done.content["FailedInstancesCount"]) == (
            0,
            3,
            0,
        )
        assert len(list(server.backend.index.pins(Level.STUDY, str(done.content["ID"])))) == 3
        assert len(server.pins()) == 3
        for pin in server.pins():
            server.read(pin)
        # A crash may leave a file that nothing refers to, never the reverse.
        assert {pin.object.key for pin in server.pins()} <= set(server.files())
        if fuse.writes < step:
            assert step > 10
            return
