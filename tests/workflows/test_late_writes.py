"""Index writes that come long after their files: what was swept meanwhile gets no entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dicomorph.model.errors import TransientError
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from tests.support.index_roles import around
from tests.support.jobs import counts
from tests.workflows import aws_server
from tests.workflows.embedded import Server, serve
from tests.workflows.five_instances import SOURCES, study


@pytest.fixture(scope="module")
def on_aws() -> Iterator[Server]:
    with aws_server.aws_server() as (found, _):
        yield found


@pytest.fixture(params=["files", "aws"])
def server(request: pytest.FixtureRequest, tmp_path: Path, on_aws: Server) -> Server:
    if request.param == "files":
        return serve(tmp_path / "data")
    aws_server.clear()
    return on_aws


class _Sleepy:
    """A store after whose first product, or upload, the machine sleeps, and somebody takes it."""

    def __init__(self, objects: Any, sleep: Callable[[Any], None]) -> None:
        self._objects = objects
        self._sleep = sleep

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._objects, name)
        if name not in ("put", "put_file", "put_edited"):
            return found

        def put(key: str, *args: Any, **options: Any) -> Any:
            ref = found(key, *args, **options)
            if key.startswith("instances/"):
                self._sleep(ref)
            return ref

        return put


def asleep(server: Server, hours: float, *, takes: bool = True) -> tuple[Server, list[str]]:
    """Return a server that sleeps once for some hours, and the keys of the files that it has written."""
    clock = [timedelta()]
    written: list[str] = []

    def sleep(ref: Any) -> None:
        if not written:
            clock[0] = timedelta(hours=hours)
            if takes:
                server.backend.objects.discard([ref], pinned=False)
        written.append(ref.key)

    objects: Any = around(server.backend.objects, lambda port: _Sleepy(port, sleep))
    return Server(replace(server.backend, objects=objects, now=lambda: datetime.now(UTC) + clock[0])), written


@pytest.mark.parametrize("hours", [1.1, 100, -2])  # or the clock was set back
def test_an_upload_that_was_swept_is_stored_once_more(server: Server, hours: float) -> None:
    sleeper, written = asleep(server, hours)
    assert sleeper.upload()["Status"] == "Success"
    assert len(set(written)) == 2
    assert server.files() == [written[1]] == [pin.object.key for pin in server.pins()]
    server.read(server.pins()[0])


def test_an_upload_that_is_still_there_gets_its_entry(server: Server) -> None:
    sleeper, written = asleep(server, 100, takes=False)
    assert sleeper.upload()["Status"] == "Success"
    assert server.files() == written == [pin.object.key for pin in server.pins()]


def test_a_product_that_was_swept_gets_no_entry_and_is_made_once_more(server: Server) -> None:
    source = study(server)
    job = server.submit(source)
    plan_job(server.backend, job.id)
    sleeper, written = asleep(server, 100)
    with pytest.raises(TransientError):
        edit_batch(sleeper.backend, job.id, 0)
    assert len(server.pins()) == SOURCES
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert {pin.object.key for pin in server.pins()} > set(written)
    for pin in server.pins():
        server.read(pin)
