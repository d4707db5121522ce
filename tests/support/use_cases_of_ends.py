"""What becomes of jobs that are given up, stopped, lost and forgotten."""

from __future__ import annotations

import time
from functools import partial

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.settings import Settings
from dicomorph.services.work import job_watch
from tests.support.idle_runner import IdleRunner
from tests.support.job_tasks import after, event_of, leave_documents, state, submit
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import patient, run_schedule, upload_series


def give_up(cloud: RecordedStack) -> None:
    """A job whose resource vanished, and one whose steps crashed."""
    stored = cloud.upload(patient())
    vanished, crashed = submit(cloud, stored), submit(cloud, stored)
    leave_documents(cloud, crashed)
    assert cloud.delete(f"/studies/{stored['ParentStudy']}").status == 200
    assert cloud.invoke("plan_job", event_of(vanished))["batches"] == 0
    cloud.invoke("finalize_job", {**event_of(crashed), "failed": True})
    assert (state(cloud, vanished), state(cloud, crashed)) == ("Failure", "Failure")
    assert cloud.get(f"/jobs/{crashed}").json["Content"]["Products"]["Count"] == 1


def forget(cloud: RecordedStack) -> None:
    """A full history: the oldest job goes with its documents, and another one because somebody says so."""
    first, second = (submit(cloud, cloud.upload(patient())) for _ in range(2))
    leave_documents(cloud, first)
    for job, minutes in ((first, 0), (second, 10)):
        settings = Settings(jobs_history_size=1)
        with cloud.changed(settings=settings, now=partial(after, minutes)):
            cloud.invoke("finalize_job", {**event_of(job), "failed": True})
    assert cloud.get("/jobs").json == [second]
    leave_documents(cloud, second)
    assert cloud.delete(f"/jobs/{second}").status == 200
    assert cloud.get("/jobs").json == []


def stop_and_go_on(cloud: RecordedStack) -> None:
    """Jobs that are stopped before they run, and run by the state machine when they go on."""
    assert cloud.post("/jobs/nope/cancel").status == 400
    for stop, start in (("cancel", "resubmit"), ("pause", "resume")):
        job = submit(cloud, cloud.upload(patient()))
        assert cloud.post(f"/jobs/{job}/{stop}").status == 200
        assert cloud.delete(f"/jobs/{job}/archive").status == cloud.get(f"/jobs/{job}/archive").status == 404
        assert cloud.post(f"/jobs/{job}/{start}").status == 200
        while (end := state(cloud, job)) not in ("Success", "Failure"):
            time.sleep(0.05)
        assert end == "Success"
    study = cloud.upload(patient())["ParentStudy"]
    with cloud.changed(runner=IdleRunner()):
        many = cloud.post("/tools/bulk-anonymize", {"Resources": [study], "Asynchronous": True}).json["ID"]
        assert cloud.get(f"/jobs/{many}").json["Content"]["ParentResources"] == [study]
        assert cloud.post(f"/jobs/{many}/cancel").status == cloud.delete(f"/jobs/{many}").status == 200


def stop_workers(cloud: RecordedStack) -> None:
    """A batch that is interrupted, and goes on in another execution, in another attempt."""
    job = submit(cloud, upload_series(cloud, 3))
    cloud.invoke("plan_job", event_of(job))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_watch, "SECONDS", 0)
        with cloud.meanwhile("PutObject", lambda: cloud.post(f"/jobs/{job}/cancel")):
            cloud.invoke("edit_batch", {"job": job, "batch": 0})
    with cloud.changed(runner=IdleRunner()):
        assert cloud.post(f"/jobs/{job}/resubmit").status == 200
    cloud.invoke("plan_job", event_of(job, 2))
    cloud.invoke("edit_batch", {"job": job, "batch": 0})
    assert cloud.get(f"/jobs/{job}").json["Progress"] == 75
    cloud.invoke("finalize_job", event_of(job, 2))
    assert state(cloud, job) == "Success"


def lose_executions(cloud: RecordedStack) -> None:
    """Jobs that nothing runs, which shows when somebody asks a while later, or by the schedule."""
    with cloud.changed(now=partial(after, -10)):
        job, other = (submit(cloud, cloud.upload(patient())) for _ in range(2))
    assert state(cloud, job) == "Failure"
    run_schedule(cloud)
    found = cloud.backend.jobs.get(other)
    assert found is not None
    assert found.state is JobState.FAILURE


USE_CASES_OF_ENDS = (give_up, forget, stop_and_go_on, stop_workers, lose_executions)
