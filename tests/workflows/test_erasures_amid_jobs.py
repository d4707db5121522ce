"""On AWS, a DELETE of the study that a job works on, before each write of the job; and the reverse."""

from __future__ import annotations

from contextlib import suppress

import pytest

from dicomorph.jobs.model import Job
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import Level
from dicomorph.services.store.delete_resource import delete_resource
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import burn
from tests.workflows.embedded import Server
from tests.workflows.erasures import check, run_schedule
from tests.workflows.scenarios import SCENARIOS, keys_of, upload, work
from tests.workflows.test_erasures import Visit

_QUICK = ("split", "DELETE")


def _delete(server: Server, study: str) -> None:
    with suppress(UnknownResourceError):
        delete_resource(server.backend, Level.STUDY, study)


def _do_both(server: Server, visit: Visit, job: Job, study: str, *, outer: str) -> None:
    """Do the one, and the other within it."""
    deeds = {"DELETE": lambda: _delete(server, study), "job": lambda: work(server, job)}
    ((_, visit.event),) = (deed for deed in deeds.items() if deed[0] != outer)
    deeds[outer]()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "outer"),
    [
        pytest.param(name, outer, marks=[] if (name, outer) == _QUICK else [pytest.mark.slow])
        for name in ("replacing", "in-place", "bulk", "split", "merge")
        for outer in ("job", "DELETE")
    ],
)
def test_each_entry_has_its_file_and_nothing_else_is_left(name: str, outer: str) -> None:
    scenario = SCENARIOS[name]
    with aws_server(overwrite_instances=scenario.overwrite) as (server, clients):
        visit = Visit()
        burn(visit, *clients)
        number = 0
        while number == 0 or visit.burns_at == 0:  # until the other deed found no place any more
            clear()
            number += 1
            visit.burns_at = 0
            stored = upload(server, f"PAT{number}")
            job = scenario.submit(server, stored)
            visit.burns_at, visit.writes = number, 0
            _do_both(server, visit, job, stored[0]["ParentStudy"], outer=outer)
            has_met, visit.burns_at = visit.burns_at == 0, 0
            run_schedule(server.backend)
            assert server.job(job.id).state.is_final or not has_met
            check(server, keys_of(server))
            visit.burns_at = 0 if has_met else number
    assert number > 10
