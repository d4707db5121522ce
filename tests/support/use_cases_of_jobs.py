"""What becomes of jobs that are run, in every way that leads to other calls of AWS."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from dicomorph.aws.objects.parts import PART_BYTES
from dicomorph.jobs.model import Job
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import TransientError
from dicomorph.model.settings import OverwriteInstances, Settings
from tests.support.idle_runner import IdleRunner
from tests.support.job_tasks import Hurry, event_of, state, submit, tasks
from tests.support.jobs import IN_PLACE
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import LEVELS, patient, pixels, upload_series
from tests.support.use_cases_of_many import submissions

_ROUTES = ("anonymize", "modify")
_ABOVE = ("patients", "studies", "series")


class _Mute(IdleRunner):
    """Starts no jobs, or starts them and its answer is lost."""

    def __init__(self, cloud: RecordedStack, *, runs: bool) -> None:
        super().__init__()
        self._cloud = cloud
        self._runs = runs

    def start(self, job: Job) -> None:
        for task in tasks(job.id) if self._runs else ():
            self._cloud.invoke(*task)
        raise TransientError


def wait(cloud: RecordedStack) -> None:
    """Jobs at each level that the caller waits for, run by the state machine."""
    for level in _ABOVE:
        for route in _ROUTES:
            path = f"/{level}/{cloud.upload(patient())[LEVELS[level]]}/{route}"
            assert cloud.post(path, {"KeepSource": False, "KeepLabels": True}).status == 200
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
    """A job that could not be started leaves nothing; one that was, as nobody has heard, runs."""
    with cloud.changed(runner=_Mute(cloud, runs=False)):
        for path, body in submissions(cloud):
            assert cloud.post(path, body).status >= 500
    assert cloud.get("/jobs").json == []
    with cloud.changed(runner=_Mute(cloud, runs=True)):
        for path, body in submissions(cloud):
            assert cloud.post(path, {**body, "KeepSource": True}).status == 200


def repeat(cloud: RecordedStack) -> None:
    """Each task a second time, which finds the work done."""
    job = submit(cloud, cloud.upload(patient()))
    first, second = (cloud.invoke("plan_job", event_of(job)) for _ in range(2))
    assert first == second == {**event_of(job), "batches": 1, "plan": first["plan"]}
    assert state(cloud, job) == "Running"
    for _ in range(2):
        cloud.invoke("edit_batch", {"job": job, "batch": 0})
    for _ in range(2):
        cloud.invoke("finalize_job", event_of(job))
        assert state(cloud, job) == "Success"
    cloud.invoke("edit_batch", {"job": job, "batch": 0})
    assert cloud.invoke("plan_job", event_of(job))["batches"] == 0


def survive_workers(cloud: RecordedStack) -> None:
    """A batch whose worker died is edited instance by instance; one of them is given up."""
    job = submit(cloud, upload_series(cloud, 2))
    cloud.invoke("plan_job", event_of(job))
    for _ in range(2):
        cloud.invoke("edit_batch", {"job": job, "batch": 0, "part": 0})
    cloud.invoke("edit_batch", {"job": job, "batch": 0, "part": 1, "died": 1})
    cloud.invoke("finalize_job", event_of(job))
    assert state(cloud, job) == "Failure"


def go_step_by_step(cloud: RecordedStack) -> None:
    """A job of three batches whose planning and finalization end after each document, and go on."""
    job = submit(cloud, upload_series(cloud, 3), {"KeepSource": False})
    with cloud.changed(planner_limits=PlannerLimits(batch_instances=1, small_job_instances=0)):
        step = cloud.invoke("plan_job", {**event_of(job), "cursor": {}}, Hurry())
        while step["next"] == "plan":
            step = cloud.invoke("plan_job", {**event_of(job), "cursor": step["cursor"]}, Hurry())
    for number in range(3):
        cloud.invoke("edit_batch", {"job": job, "batch": number, "pass": 1})
    assert cloud.invoke("plan_job", {**event_of(job), "cursor": step["cursor"]})["next"] == "finalize"
    left = {"more": 1}
    while left["more"]:
        left = cloud.invoke("finalize_job", {**event_of(job), "cursor": left}, Hurry())
    assert state(cloud, job) == "Success"


def lose_objects(cloud: RecordedStack) -> None:
    """Sources that are gone before they are edited, and products before they are summed up."""
    for lost_before, end in (("edit_batch", "Failure"), ("finalize_job", "Success")):
        job = submit(cloud, cloud.upload(patient()))
        for task, event in tasks(job):
            if task == lost_before:
                cloud.lose("instances/")
            cloud.invoke(task, event)
        assert state(cloud, job) == end


def edit_large(cloud: RecordedStack) -> None:
    """A product in several parts, sent and copied, which do not come through at first."""
    job = submit(cloud, cloud.upload(patient(), **pixels(2 * PART_BYTES)))
    plan, edit, finalize = tasks(job)
    cloud.invoke(*plan)
    for operation in ("UploadPart", "UploadPartCopy"):
        with cloud.broken(operation), pytest.raises(TransientError):
            cloud.invoke(*edit)
    cloud.invoke(*edit)
    cloud.invoke(*finalize)
    assert state(cloud, job) == "Success"


def edit_in_place(cloud: RecordedStack) -> None:
    """Products that replace their sources, at once and after the job was submitted again."""
    with cloud.changed(settings=Settings(overwrite_instances=OverwriteInstances.ALWAYS)):
        job = submit(cloud, cloud.upload(patient()), IN_PLACE)
        for task, event in tasks(job):
            cloud.invoke(task, event)
        assert state(cloud, job) == "Success"
        job = submit(cloud, cloud.upload(patient()), IN_PLACE)
        cloud.invoke("plan_job", event_of(job))
        with cloud.changed(runner=IdleRunner()):
            for action in ("cancel", "resubmit"):
                assert cloud.post(f"/jobs/{job}/{action}", {}).status == 200
        for task, event in tasks(job):
            cloud.invoke(task, event | ({"execution": 2} if "execution" in event else {}))
        assert state(cloud, job) == "Success"


def lose_a_race(cloud: RecordedStack) -> None:
    """A source that is overwritten at the moment in which the job deletes it: the new version stays."""
    with cloud.changed(settings=Settings(overwrite_instances=OverwriteInstances.ALWAYS)):
        name = patient()
        stored = cloud.upload(name)
        job = submit(cloud, stored, {"KeepSource": False})
        plan, edit, finalize = tasks(job)
        cloud.invoke(*plan)
        cloud.invoke(*edit)
        with ExitStack() as stack:
            # The first transaction lets the job come to its end, the second one deletes the source.
            overwrite = cloud.meanwhile(
                "TransactWriteItems", lambda: cloud.upload(name, StudyDescription="New")
            )
            stack.enter_context(cloud.meanwhile("TransactWriteItems", lambda: stack.enter_context(overwrite)))
            cloud.invoke(*finalize)
    assert state(cloud, job) == "Success"
    assert cloud.get(f"/instances/{stored['ID']}").status == 200


def find_places_taken(cloud: RecordedStack) -> None:
    """Products that are stored already: by somebody else, and by the job itself under a damaged plan."""
    series = cloud.upload(patient())["ParentSeries"]
    assert cloud.post(f"/series/{series}/modify", IN_PLACE).status == 400
    job = submit(cloud, upload_series(cloud, 2))
    plan = cloud.invoke("plan_job", event_of(job))["plan"]
    cloud.invoke("edit_batch", {"job": job, "batch": 0})
    cloud.backend.objects.put(f"jobs/{job}/manifests/{plan}.json", b"")
    with cloud.changed(planner_limits=PlannerLimits(batch_instances=1, small_job_instances=0)):
        assert cloud.invoke("plan_job", event_of(job))["batches"] == 2
    for number in range(2):
        cloud.invoke("edit_batch", {"job": job, "batch": number})
    cloud.invoke("finalize_job", event_of(job))
    assert state(cloud, job) == "Success"


def change_character_set(cloud: RecordedStack) -> None:
    """Identifiers that are kept under another character set: the files alone tell what they become."""
    job = submit(
        cloud,
        cloud.upload("\N{LATIN SMALL LETTER U WITH DIAERESIS}", SpecificCharacterSet="ISO_IR 192"),
        {"Keep": ["PatientID"], "Replace": {"SpecificCharacterSet": "ISO_IR 100"}, "Force": True},
    )
    for task, event in tasks(job):
        cloud.invoke(task, event)
    assert state(cloud, job) == "Success"


USE_CASES_OF_JOBS = (
    wait,
    return_product,
    share_out,
    fail_to_start,
    repeat,
    survive_workers,
    go_step_by_step,
    lose_objects,
    edit_large,
    edit_in_place,
    lose_a_race,
    find_places_taken,
    change_character_set,
)
