"""The real state machine where workers are refused, hang or wait for their turn, and goes on step by step."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

from dicomorph import bootstrap
from dicomorph.jobs.documents import manifest_key
from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import Level
from dicomorph.model.settings import Settings
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.plan_job import plan_job
from tests.support.idle_runner import IdleRunner
from tests.support.jobs import counts
from tests.workflows.stack import REGION, deployed

LIMITS = PlannerLimits(batch_instances=3, small_job_instances=3)


@contextmanager
def refusing(batch: int, times: int) -> Iterator[Counter[int]]:
    """Let Lambda refuse a batch so many times, as if no worker were free."""
    refused = Counter[int]()

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        if json.loads(request.body).get("batch") != batch or refused[batch] == times:
            return None
        refused[batch] += 1
        url, request.url = request.url, "https://nobody.invalid/"  # moto must not hear of it
        headers = {"x-amzn-requestid": "refused", "x-amzn-errortype": "TooManyRequestsException"}
        return AWSResponse(url, 429, headers, MockRawResponse('{"Type": "User"}'))  # type: ignore[arg-type]

    handler = ("before-send.lambda.Invoke", answer)
    BUILTIN_HANDLERS.insert(0, handler)
    try:
        yield refused
    finally:
        BUILTIN_HANDLERS.remove(handler)


# Three batches, and one without a map, which waits for longer.
@pytest.mark.parametrize("instances", [7, pytest.param(3, marks=pytest.mark.slow)])
def test_a_batch_that_got_no_worker_goes_through_a_later_map(
    instances: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time", type("Time", (), {"sleep": staticmethod(lambda _: None)}))
    batch = 0 if instances == 3 else 1
    with refusing(batch, 130 if batch == 0 else 30) as refused, deployed(LIMITS) as stack:
        job = stack.run(stack.upload("PAT", instances))
        assert refused[batch] in (30, 130)  # more than what is tried before, and in one map
        assert (job.state, counts(job)) == (JobState.SUCCESS, (instances, 0))
        assert [call for call in stack.calls if "part" in call] == []
        assert Counter(call["batch"] for call in stack.calls)[batch] == 1


def test_batches_that_never_get_a_worker_end_the_job_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time", type("Time", (), {"sleep": staticmethod(lambda _: None)}))
    with refusing(1, 100_000), deployed(LIMITS) as stack:
        study = stack.upload("PAT", 7)
        job = stack.run(study, KeepSource=False)
        assert (job.state, counts(job)) == (JobState.FAILURE, (7, 3))
        assert sum(1 for _ in stack.backend.index.catalogue.pins(Level.STUDY, study)) == 7


@pytest.mark.parametrize("permissive", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_image_that_hangs_fails_alone_and_what_its_worker_makes_later_is_not_stored(
    *, permissive: bool
) -> None:
    free = threading.Event()

    def hang(event: dict[str, Any]) -> None:
        if event["batch"] == 1 and event.get("part", 1) == 1:
            free.wait(20)  # the state times out, the function goes on

    with deployed(LIMITS, timeout=1) as stack:
        stack.before = hang
        job = stack.run(stack.upload("PAT", 7), Permissive=permissive)
        state = JobState.SUCCESS if permissive else JobState.FAILURE
        assert (job.state, counts(job)) == (state, (7, 1))
        calls = Counter((call["batch"], call.get("part")) for call in stack.calls)
        # Nobody tries again what has hung.
        assert (calls[1, None], calls[1, 1]) == (1, 1)
        assert stack.given_up == [{"job": job.id, "batch": 1, "part": 1, "died": 1}]
        free.set()
        time.sleep(0.7)  # both late workers, now
        assert stack.backend.index.catalogue.statistics().instances == 13
        assert stack.backend.jobs.get(job.id) == job


def test_a_worker_that_goes_on_beside_those_that_take_its_batch_apart_does_no_harm() -> None:
    apart = threading.Event()

    def be_slow(event: dict[str, Any]) -> None:
        if event["batch"] == 1 and "part" not in event:
            apart.wait(20)
        elif event["batch"] == 1:
            apart.set()  # both are under way from now on

    with deployed(LIMITS, timeout=1) as stack:
        stack.before = be_slow
        study = stack.upload("PAT", 7)
        job = stack.run(study, KeepSource=False)
        assert (job.state, counts(job)) == (JobState.SUCCESS, (7, 0))
        time.sleep(0.3)
        assert stack.backend.index.catalogue.statistics().instances == 7
        assert stack.backend.index.catalogue.get(Level.STUDY, study) is None


def test_jobs_wait_pending_until_it_is_their_turn() -> None:
    running: list[int] = []
    with deployed(LIMITS) as stack:
        stack.backend = replace(stack.backend, settings=Settings(concurrent_jobs=1))
        bootstrap.use_backend(stack.backend)

        def count(_: dict[str, Any]) -> None:
            states = Counter(job.state for job in stack.backend.jobs.all())
            running.append(states[JobState.RUNNING])

        stack.before = count
        studies = [stack.upload(f"PAT{number}", 4) for number in range(3)]
        jobs = [stack.submit(study) for study in studies]
        ended = [stack.finish(job)[0] for job in jobs]
        assert [job.state for job in ended] == [JobState.SUCCESS] * 3
        assert set(running) == {1}


def steps_of(job: str) -> Counter[str]:
    """Return how often each state of an execution was entered."""
    client = boto3.client("stepfunctions", REGION)
    machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{job}"
    events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = (event.get("stateEnteredEventDetails") for event in events)
    return Counter(details["name"] for details in entered if details)


def test_planning_and_finalization_go_on_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each step ends at the first place where it may.
    monkeypatch.setattr("dicomorph.services.work.budget.budget_of", lambda _: Budget(-1))
    with deployed(PlannerLimits(batch_instances=1, small_job_instances=0)) as stack:
        study = stack.upload("PAT", 5)
        job = stack.run(study, KeepSource=False)
        assert (job.state, job.batches, counts(job)) == (JobState.SUCCESS, 5, (5, 0))
        assert stack.backend.index.catalogue.get(Level.STUDY, study) is None
        assert stack.backend.index.catalogue.statistics().instances == 5
        entered = steps_of(job.id)
        assert entered["PlanJob"] >= 5
        assert entered["FinalizeJob"] >= 10


def test_a_plan_of_an_earlier_version_is_edited_without_haste() -> None:
    with deployed(LIMITS) as stack:
        runner = stack.backend.runner
        stack.backend = replace(stack.backend, runner=IdleRunner())
        job = stack.submit(stack.upload("PAT", 7))
        plan_job(stack.backend, job.id)
        job = next(iter(stack.backend.jobs.all()))
        items = json.loads(stack.backend.objects.get(manifest_key(job)) or b"")
        old = [{name: item[name] for name in ("job", "batch", "instances")} for item in items]
        stack.backend.objects.put(manifest_key(job), json.dumps(old).encode())
        runner.start(job)
        done, status = stack.finish(job)
        assert (status, done.state, counts(done)) == ("SUCCEEDED", JobState.SUCCESS, (7, 0))
        assert steps_of(job.id)["EditLongBatches"] == 1
        assert steps_of(job.id)["EditBatches"] == 0
