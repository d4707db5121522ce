"""A job is cancelled or paused at any step: that holds, or the answer says that it is too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dicomorph.services.jobs.actions import cancel_job, pause_job
from dicomorph.services.work import job_watch
from tests.support.jobs import Action
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import Fuse, burn
from tests.workflows.embedded import Server, serve
from tests.workflows.meddling import before_each
from tests.workflows.scenarios import SCENARIOS
from tests.workflows.stops import Answer, Client, Place, stop_before_each

REMOVING = {"replacing", "in-place", "bulk", "split", "merge", "transcoding"}
"""The jobs that remove what cannot be brought back."""
MOST = 1000  # calls of a job
ALTERNATELY = ((cancel_job, range(1, MOST, 2)), (pause_job, range(2, MOST, 2)))


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers look at the record between any two instances."""
    monkeypatch.setattr(job_watch, "SECONDS", 0)


def check_answers(name: str, answers: set[Answer]) -> None:
    """Check that it is too late at some time of the jobs that remove something, and never of the others."""
    late = {Answer.TOO_LATE} if name in REMOVING else set()
    assert answers - {Answer.ENDED} == {Answer.STOPPED} | late


def stop_embedded(
    folder: Path, name: str, action: Action, calls: Iterable[int], *, reads: bool = False
) -> set[Answer]:
    scenario = SCENARIOS[name]

    def start(number: int) -> Server:
        return serve(folder / f"{action.__name__}-{number}", overwrite_instances=scenario.overwrite)

    return stop_before_each(calls, scenario, action, Place(start, start), reads=reads)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_stop_before_any_write_holds_or_comes_too_late(tmp_path: Path, name: str) -> None:
    answers = [stop_embedded(tmp_path, name, action, calls) for action, calls in ALTERNATELY]
    check_answers(name, set().union(*answers))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("action", [cancel_job, pause_job])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_stop_before_any_call_holds_or_comes_too_late(tmp_path: Path, name: str, action: Action) -> None:
    check_answers(name, stop_embedded(tmp_path, name, action, range(1, MOST), reads=True))


class Relay(Fuse):
    """Lets the client of the present run count the calls of AWS."""

    client: Client | None = None

    def write(self) -> None:
        """Count a call that is about to happen."""
        if self.client is not None:
            self.client.write()


@contextmanager
def aws_place(name: str) -> Iterator[Place]:
    """Give a place on S3 and DynamoDB, each call of which that writes is counted."""
    with aws_server(overwrite_instances=SCENARIOS[name].overwrite) as (server, clients):
        relay = Relay()
        burn(relay, *clients)

        def begin(_: int) -> Server:
            clear()
            relay.client = None
            return server

        def watch(server: Server, client: Client) -> Server:
            relay.client = client
            return server

        yield Place(begin, lambda _: server, watch)


def test_a_stop_on_aws_holds_until_sources_go() -> None:
    def before(method: str) -> Callable[[Server, Client], Server]:
        return lambda server, client: Server(
            replace(server.backend, index=before_each(server.backend.index, method, client.write))
        )

    with aws_place("replacing") as place:
        for action, method, expected in (
            (cancel_job, "add", Answer.STOPPED),
            (pause_job, "refresh", Answer.STOPPED),
            (cancel_job, "remove_instances", Answer.TOO_LATE),
        ):
            watched = replace(place, watch=before(method))
            assert stop_before_each((1,), SCENARIOS["replacing"], action, watched) == {expected}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_stop_before_any_write_of_aws_holds_or_comes_too_late(name: str) -> None:
    with aws_place(name) as place:
        answers = [stop_before_each(calls, SCENARIOS[name], action, place) for action, calls in ALTERNATELY]
        check_answers(name, set().union(*answers))
