"""What becomes of jobs, in every way that leads to other calls of AWS."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from dicomorph.jobs.model import Job
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import TransientError
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services import job_watch
from dicomorph.storage.s3_parts import PART_BYTES
from tests.support.idle_runner import IdleRunner
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import LEVELS, patient, pixels, upload_series
from tests.support.use_cases_of_many import submissions

_ROUTES = ("anonymize", "modify")
_ABOVE = ("patients", "studies", "series")
_IN_PLACE = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"], "Force": True}


class _Mute(IdleRunner):
    """Starts jobs, and its answer is lost."""

    def __init__(self, cloud: RecordedStack) -> None:
        super().__init__()
        self._cloud = cloud

    def start(self, job: Job) -> None:
        _leave_documents(self._cloud, job.id)
        raise TransientError


def wait(cloud: RecordedStack) -> None:
    """Jobs at each level that the caller waits for, run by the state machine."""
    for level, route in (("patients", "anonymize"), ("studies", "modify"), ("series", "anonymize")):
        path = f"/{level}/{cloud.upload(patient())[LEVELS[level]]}/{route}"
        assert cloud.post(path, {"KeepSource": False, "KeepLabels": True}).status == 200
    for level in _ABOVE:
        for route in _ROUTES:
            assert cloud.post(f"/{level}/nope/{route}", {}).status == 404
    assert cloud.get("/jobs", query={"expand": ""}).status == 200
    assert cloud.get("/jobs/nope").status == 404


def return_product(cloud: RecordedStack) -> None:
    """A product that is uploaded again, where only what changed is to replace what is stored."""
    content = cloud.post(f"/studies/{cloud.upload(patient())['ParentStudy']}/anonymize", {}).json
    product = cloud.get(f"{content['Path']}/instances").json[0]["ID"]
    file = cloud.get(f"/instances/{product}/file").body
    with cloud.changed(settings=Settings(overwrite_instances=OverwriteInstances.IF_CHANGED)):
        assert cloud.post("/instances", file).json["Status"] == "AlreadyStored"
        cloud.lose("instances/")
        assert cloud.post("/instances", file).json["Status"] == "Success"


def share_out(cloud: RecordedStack) -> None:
    """A job of several batches, which the state machine maps over."""
    stored = upload_series(cloud, 3)
    with cloud.changed(planner_limits=PlannerLimits(batch_instances=1, small_job_instances=0)):
        answer = cloud.post(f"/studies/{stored['ParentStudy']}/anonymize", {})
    assert (answer.json["InstancesCount"], answer.json["FailedInstancesCount"]) == (3, 0)


def fail_to_start(cloud: RecordedStack) -> None:
    """A job that could not be started, as far as its caller knows, leaves nothing."""
    with cloud.changed(runner=_Mute(cloud)):
        for path, body in submissions(cloud):
            assert cloud.post(path, body).status >= 500
    assert cloud.get("/jobs").json == []


def repeat(cloud: RecordedStack) -> None:
    """Each task a second time, which finds the work done."""
    job = _submit(cloud, cloud.upload(patient()))
    for _ in range(2):
        assert cloud.invoke("plan_job", _event(job)) == {**_event(job), "batches": 1}
        assert _state(cloud, job) == "Running"
    for _ in range(2):
        cloud.invoke("edit_batch", {"job": job, "batch": 0})
    for _ in range(2):
        cloud.invoke("finalize_job", _event(job))
        assert _state(cloud, job) == "Success"
    cloud.invoke("edit_batch", {"job": job, "batch": 0})
    assert cloud.invoke("plan_job", _event(job))["batches"] == 0


def survive_workers(cloud: RecordedStack) -> None:
    """A batch whose worker died is edited instance by instance; one of them never gets an outcome."""
    job = _submit(cloud, upload_series(cloud, 2))
    cloud.invoke("plan_job", _event(job))
    for _ in range(2):
        cloud.invoke("edit_batch", {"job": job, "batch": 0, "part": 0})
    cloud.invoke("finalize_job", _event(job))
    assert _state(cloud, job) == "Failure"


def give_up(cloud: RecordedStack) -> None:
    """A job whose resource vanished, and one whose steps crashed."""
    stored = cloud.upload(patient())
    vanished, crashed = _submit(cloud, stored), _submit(cloud, stored)
    assert cloud.delete(f"/studies/{stored['ParentStudy']}").status == 200
    assert cloud.invoke("plan_job", _event(vanished))["batches"] == 0
    cloud.invoke("finalize_job", {**_event(crashed), "failed": True})
    assert (_state(cloud, vanished), _state(cloud, crashed)) == ("Failure", "Failure")


def lose_objects(cloud: RecordedStack) -> None:
    """Sources that are gone before they are edited, and products before they are summed up."""
    for lost_before, end in (("edit_batch", "Failure"), ("finalize_job", "Success")):
        job = _submit(cloud, cloud.upload(patient()))
        for task, event in _tasks(job):
            if task == lost_before:
                cloud.lose("instances/")
            cloud.invoke(task, event)
        assert _state(cloud, job) == end


def edit_large(cloud: RecordedStack) -> None:
    """A product in several parts, which do not come through at first."""
    job = _submit(cloud, cloud.upload(patient(), **pixels(PART_BYTES)))
    plan, edit, finalize = _tasks(job)
    cloud.invoke(*plan)
    with cloud.broken("UploadPart"), pytest.raises(TransientError):
        cloud.invoke(*edit)
    cloud.invoke(*edit)
    cloud.invoke(*finalize)
    assert _state(cloud, job) == "Success"


def edit_in_place(cloud: RecordedStack) -> None:
    """Products that replace their sources."""
    with cloud.changed(settings=Settings(overwrite_instances=OverwriteInstances.ALWAYS)):
        job = _submit(cloud, cloud.upload(patient()), _IN_PLACE)
        for task, event in _tasks(job):
            cloud.invoke(task, event)
    assert _state(cloud, job) == "Success"


def lose_a_race(cloud: RecordedStack) -> None:
    """A source that is overwritten at the moment in which the job deletes it: the new version stays."""
    with cloud.changed(settings=Settings(overwrite_instances=OverwriteInstances.ALWAYS)):
        name = patient()
        stored = cloud.upload(name)
        job = _submit(cloud, stored, {"KeepSource": False})
        plan, edit, finalize = _tasks(job)
        cloud.invoke(*plan)
        cloud.invoke(*edit)
        with ExitStack() as stack:
            # The first transaction lets the job come to its end, the second one deletes the source.
            overwrite = cloud.meanwhile(
                "TransactWriteItems", lambda: cloud.upload(name, StudyDescription="New")
            )
            stack.enter_context(cloud.meanwhile("TransactWriteItems", lambda: stack.enter_context(overwrite)))
            cloud.invoke(*finalize)
    assert _state(cloud, job) == "Success"
    assert cloud.get(f"/instances/{stored['ID']}").status == 200


def forget(cloud: RecordedStack) -> None:
    """A full history: the oldest job goes with its documents, and another one because somebody says so."""
    first, second = (_submit(cloud, cloud.upload(patient())) for _ in range(2))
    _leave_documents(cloud, first)
    for job, minutes in ((first, 0), (second, 10)):
        settings = Settings(jobs_history_size=1)
        with cloud.changed(settings=settings, now=partial(_after, minutes)):
            cloud.invoke("finalize_job", {**_event(job), "failed": True})
    assert cloud.get("/jobs").json == [second]
    _leave_documents(cloud, second)
    assert cloud.delete(f"/jobs/{second}").status == 200
    assert cloud.get("/jobs").json == []


def stop_and_go_on(cloud: RecordedStack) -> None:
    """Jobs that are stopped before they run, and run by the state machine when they go on."""
    assert cloud.post("/jobs/nope/cancel").status == 400
    for stop, start in (("cancel", "resubmit"), ("pause", "resume")):
        job = _submit(cloud, cloud.upload(patient()))
        assert cloud.post(f"/jobs/{job}/{stop}").status == 200
        assert cloud.delete(f"/jobs/{job}/archive").status == cloud.get(f"/jobs/{job}/archive").status == 404
        assert cloud.post(f"/jobs/{job}/{start}").status == 200
        while (end := _state(cloud, job)) not in ("Success", "Failure"):
            time.sleep(0.05)
        assert end == "Success"


def stop_workers(cloud: RecordedStack) -> None:
    """A batch that is interrupted, and goes on in another execution, in another attempt."""
    job = _submit(cloud, upload_series(cloud, 3))
    cloud.invoke("plan_job", _event(job))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_watch, "SECONDS", 0)
        with cloud.meanwhile("PutObject", lambda: cloud.post(f"/jobs/{job}/cancel")):
            cloud.invoke("edit_batch", {"job": job, "batch": 0})
    with cloud.changed(runner=IdleRunner()):
        assert cloud.post(f"/jobs/{job}/resubmit").status == 200
    cloud.invoke("plan_job", _event(job, 2))
    cloud.invoke("edit_batch", {"job": job, "batch": 0})
    assert cloud.get(f"/jobs/{job}").json["Progress"] == 75
    cloud.invoke("finalize_job", _event(job, 2))
    assert _state(cloud, job) == "Success"


def lose_executions(cloud: RecordedStack) -> None:
    """A job that nothing runs, which shows when somebody asks a while later."""
    with cloud.changed(now=partial(_after, -10)):
        job = _submit(cloud, cloud.upload(patient()))
    assert _state(cloud, job) == "Failure"


def _submit(cloud: RecordedStack, stored: dict[str, Any], body: dict[str, Any] | None = None) -> str:
    """Submit a job for a study, which nobody runs yet."""
    with cloud.changed(runner=IdleRunner()):
        path = f"/studies/{stored['ParentStudy']}/modify"
        answer = cloud.post(path, {"Asynchronous": True, **(body or {})})
    assert answer.status == 200
    return str(answer.json["ID"])


def _after(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def _event(job: str, execution: int = 1) -> dict[str, Any]:
    return {"job": job, "execution": execution}


def _tasks(job: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tasks of a job of one batch, with their events."""
    return [
        ("plan_job", _event(job)),
        ("edit_batch", {"job": job, "batch": 0}),
        ("finalize_job", _event(job)),
    ]


def _leave_documents(cloud: RecordedStack, job: str) -> None:
    """Bring a job as far as there is a document of each kind."""
    plan, edit, _ = _tasks(job)
    cloud.invoke(*plan)
    cloud.invoke("edit_batch", {"job": job, "batch": 0, "part": 0})
    cloud.invoke(*edit)


def _state(cloud: RecordedStack, job: str) -> object:
    return cloud.get(f"/jobs/{job}").json["State"]


USE_CASES_OF_JOBS = (
    wait,
    return_product,
    share_out,
    fail_to_start,
    repeat,
    survive_workers,
    give_up,
    lose_objects,
    edit_large,
    edit_in_place,
    lose_a_race,
    forget,
    stop_and_go_on,
    stop_workers,
    lose_executions,
)
