"""Documents of jobs that a power cut has left empty or cut short, or that are something else altogether."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.jobs.actions import delete_job, resubmit_job
from dicomorph.services.jobs.view import job_json
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import CALLER, Server, serve, tidy
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, study

BODIES: dict[str, dict[str, Any]] = {
    "replacing": REPLACING,
    "in-place": {**IN_PLACE, "Replace": {"StudyDescription": "New"}},
}

# By the folder below that of the job, or the name there.
KINDS = ["request.json", "listing.json", "manifests/", "batches/", "outcomes/", "parts/"]

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda document: document[: len(document) // 2],
    "garbage": lambda document: random.Random(7).randbytes(len(document)),  # noqa: S311 - no secret
    "list": lambda _: b"[]",
    "object": lambda _: b"{}",
}

# A fifth of a second each: what a power cut leaves goes first, the rest is left to the slow tests.
FAST = {("replacing", "half"), ("in-place", "empty"), ("replacing", "object")}
DAMAGED = [
    pytest.param(case, change, marks=() if (case, change) in FAST else pytest.mark.slow)
    for case, change in product(BODIES, DAMAGES)
]

# What is there at the latest when a job has come so far.
MOMENTS = {
    "plan": KINDS[:2],
    "edit": KINDS[:4],
    "restart": KINDS,
    "finalize": KINDS,
    "resubmit": [*KINDS, "ends/"],
}


def submit(server: Server, body: dict[str, Any]) -> Job:
    """Ask for a bulk job, which has a listing."""
    named = {"Resources": [study(server)], "Level": "Study", **body}
    return submit_bulk_modification(server.backend, named, is_anonymization=False, caller=CALLER)


def edit_all(server: Server, job: Job) -> None:
    """Edit the batches as a workflow does: those that fail, one instance at a time."""
    for number in range(server.job(job.id).batches):
        try:
            edit_batch(server.backend, job.id, number)
        except DicomorphError:
            for part in range(2):
                with suppress(DicomorphError):
                    edit_batch(server.backend, job.id, number, part=part)


def execute(server: Server, job: Job) -> Job:
    """Run the steps as a workflow does; one that fails ends the job."""
    execution = server.job(job.id).execution
    try:
        plan_job(server.backend, job.id, execution)
        edit_all(server, job)
        finalize_job(server.backend, job.id, execution)
    except DicomorphError as error:
        abandon_job(server.backend, job.id, execution, error=error)
    return server.job(job.id)


def bring_to(server: Server, job: Job, moment: str) -> None:
    """Let a job come to a moment: one batch done, one in parts, and all of them or none of the last one."""
    if moment == "plan":
        return
    plan_job(server.backend, job.id)
    if moment == "edit":
        return
    edit_batch(server.backend, job.id, 0)
    for part in (0, 1):
        edit_batch(server.backend, job.id, 1, part=part)
    if moment == "resubmit":
        finalize_job(server.backend, job.id)
        assert server.job(job.id).state is JobState.FAILURE
    else:
        edit_batch(server.backend, job.id, 2)


def damage(server: Server, job: Job, kind: str, change: Callable[[bytes], bytes]) -> None:
    """Change one of the documents of a kind."""
    key = next(iter(server.backend.objects.keys(f"jobs/{job.id}/{kind}")))
    document = server.backend.objects.get(key)
    assert document
    server.backend.objects.put(key, change(document))


def assert_unharmed(server: Server, job: Job, sources: set[str]) -> None:
    """Check that a job can be looked at, and that no source went while it has not succeeded."""
    view = job_json(server.backend, server.job(job.id))
    assert view["State"] == server.job(job.id).state.value
    if server.job(job.id).state is not JobState.SUCCESS:
        assert sources <= set(server.backend.index.catalogue.ids(Level.INSTANCE))
    for pin in server.pins():
        server.read(pin)


@pytest.mark.parametrize(
    ("moment", "kind"), [(moment, kind) for moment, kinds in MOMENTS.items() for kind in kinds]
)
@pytest.mark.parametrize(("case", "change"), DAMAGED)
def test_a_damaged_document_costs_no_source_and_no_job(
    tmp_path: Path, case: str, moment: str, kind: str, change: str
) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    job = submit(server, BODIES[case])
    sources = set(server.backend.index.catalogue.ids(Level.INSTANCE))
    bring_to(server, job, moment)
    damage(server, job, kind, DAMAGES[change])
    assert_unharmed(server, job, sources)
    if moment == "finalize":
        with suppress(DicomorphError):
            finalize_job(server.backend, job.id)
            assert_unharmed(server, job, sources)
    if server.job(job.id).state.is_active:
        execute(server, job)
        assert_unharmed(server, job, sources)
    if server.job(job.id).state is JobState.FAILURE:
        resubmit_job(server.backend, job.id)
        execute(server, job)
        assert_unharmed(server, job, sources)
    done = server.job(job.id)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert len(server.pins()) == SOURCES
    if case == "replacing":
        check_files(server)
    else:  # what was replaced in place, nobody may know any more: its file remains, until the next start
        assert {pin.object.key for pin in server.pins()} <= set(server.files())
        tidy(server, tmp_path / "data")
        check_files(server)


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_job_goes_on_or_is_submitted_again_after_all_its_documents_are_empty(
    tmp_path: Path, case: str, moment: str
) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    job = submit(server, BODIES[case])
    bring_to(server, job, moment)
    for key in list(server.backend.objects.keys(f"jobs/{job.id}/")):
        server.backend.objects.put(key, b"")
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    for _ in range(2):
        if server.job(job.id).state is JobState.FAILURE:
            resubmit_job(server.backend, job.id)
        if server.job(job.id).state.is_active:
            execute(server, job)
    done = server.job(job.id)
    assert (done.state, len(server.pins())) == (JobState.SUCCESS, SOURCES)
    for pin in server.pins():
        server.read(pin)


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_job_of_an_earlier_version_fails_without_its_request_and_can_be_deleted(
    tmp_path: Path, state: str
) -> None:
    server = serve(tmp_path / "data")
    job = submit(server, BODIES["replacing"])
    with server.backend.index.catalogue._database.write() as connection:  # type: ignore[attr-defined]
        connection.execute("DELETE FROM job_request")
    if state == "failed":
        abandon_job(server.backend, job.id)
    damage(server, job, "request.json", DAMAGES["empty"])
    if state == "failed":
        resubmit_job(server.backend, job.id)
    assert execute(server, job).state is JobState.FAILURE
    delete_job(server.backend, job.id)
    assert list(server.backend.objects.keys(f"jobs/{job.id}/")) == []
    assert server.backend.jobs.request(job.id) is None
