"""Jobs as Orthanc shows them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dicomorph.jobs.documents import manifest_key, part_key
from dicomorph.jobs.listings import listing_key
from dicomorph.jobs.model import JobState
from dicomorph.model.errors import InexistentItemError, StorageFullError, TimeLimitError
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.jobs.view import job_json
from dicomorph.services.jobs.waiting import error_of, wait_for_job
from tests.support.jobs import JOB as A_JOB
from tests.workflows.embedded import serve

JOB = replace(A_JOB, content={"Description": "REST API"})


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    backend = serve(tmp_path / "data").backend
    return replace(backend, now=lambda: datetime(2026, 1, 2, 3, 4, 15, 250000, tzinfo=UTC))


def test_a_pending_job(backend: Backend) -> None:
    assert job_json(backend, JOB) == {
        "Content": {"Description": "REST API"},
        "CreationTime": "20260102T030405",
        "EffectiveRuntime": 0.0,
        "ErrorCode": 0,
        "ErrorDescription": "Success",
        "ErrorDetails": "",
        "ID": JOB.id,
        "Priority": 0,
        "Progress": 0,
        "State": "Pending",
        "Timestamp": "20260102T030415.250000",
        "Type": "ResourceModification",
    }


def test_a_running_job_tells_when_it_will_be_done(backend: Backend) -> None:
    job = replace(
        JOB, state=JobState.RUNNING, started="2026-01-02T03:04:05.250000+00:00", plan="9a", batches=2
    )
    backend.objects.put(manifest_key(job), b'[{"instances":2},{"instances":1}]')
    backend.objects.put(part_key(job, 1, 0), b"{}")
    view = job_json(backend, job)
    assert (view["Progress"], view["EffectiveRuntime"]) == (25, 10.0)
    assert view["EstimatedTimeOfArrival"] == "20260102T030445.250000"
    assert "CompletionTime" not in view


@pytest.mark.parametrize("document", [None, b"", b'[{"instances":2},{"ins'])
def test_a_job_whose_documents_a_power_cut_has_taken_can_be_seen(
    backend: Backend, document: bytes | None
) -> None:
    job = replace(JOB, state=JobState.FAILURE, plan="9a", batches=3, is_bulk=True)
    if document is not None:
        backend.objects.put(manifest_key(job), document)
        backend.objects.put(listing_key(job), document)
    view = job_json(backend, job)
    assert (view["Progress"], view["Content"]) == (0, JOB.content)


def test_a_finished_job(backend: Backend) -> None:
    job = replace(
        JOB,
        state=JobState.FAILURE,
        started="2026-01-02T03:04:05.250000+00:00",
        completed="2026-01-02T03:04:06.000000+00:00",
        error_code=17,
        user_data=["x"],
    )
    view = job_json(backend, job)
    assert (view["ErrorCode"], view["ErrorDescription"]) == (17, "Unknown resource")
    assert (view["CompletionTime"], view["EffectiveRuntime"]) == ("20260102T030406", 0.75)
    assert view["UserData"] == ["x"]
    assert job_json(backend, replace(job, state=JobState.SUCCESS))["Progress"] == 100


def test_waiting_ends_with_the_job(backend: Backend) -> None:
    backend.jobs.create(JOB)
    with pytest.raises(TimeLimitError) as late:
        wait_for_job(backend, JOB.id, seconds=0)
    assert late.value.job_id == JOB.id
    done = backend.jobs.update(replace(JOB, state=JobState.SUCCESS))
    assert wait_for_job(backend, JOB.id, seconds=None) == done
    failures: dict[str, Json] = {"FailedInstances": [{"ID": "a", "ErrorCode": 19, "Details": "full"}]}
    backend.jobs.update(
        replace(done, state=JobState.FAILURE, error_code=19, error_details="full", content=failures)
    )
    with pytest.raises(StorageFullError) as failed:
        wait_for_job(backend, JOB.id, seconds=None)
    told = failed.value.details, failed.value.job_id, failed.value.instance_id
    assert (told, str(failed.value)) == (("full", JOB.id, "a"), "full")
    with pytest.raises(InexistentItemError):
        wait_for_job(backend, "unknown", seconds=None)


def test_waiting_ends_when_nobody_waits(backend: Backend) -> None:
    backend.jobs.create(JOB)
    left = iter([1e9, 1e9, -2.0])
    with pytest.raises(TimeLimitError, match="goes on"):
        wait_for_job(backend, JOB.id, seconds=lambda: next(left))
    assert next(left, None) is None


def test_waiting_for_a_paused_job_ends_where_a_setting_says_so(backend: Backend) -> None:
    backend.jobs.create(replace(JOB, state=JobState.PAUSED))
    with pytest.raises(TimeLimitError, match="goes on"):  # it did not end it
        wait_for_job(backend, JOB.id, seconds=1.2)
    limited = replace(backend, settings=replace(backend.settings, paused_job_timeout=1))
    began = time.monotonic()
    with pytest.raises(TimeLimitError, match="paused") as late:
        wait_for_job(limited, JOB.id, seconds=None)
    assert late.value.job_id == JOB.id
    assert 1 <= time.monotonic() - began < 3


@pytest.mark.parametrize("code", [-1, 2, 3, 5, 7, 8, 15, 17, 19, 21, 27, 37, 2018])
def test_codes_are_those_of_errors(code: int) -> None:
    assert error_of(code).code == code
    assert error_of(4711).code == -1
