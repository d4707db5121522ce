"""Jobs that are cancelled, paused, resumed and submitted again, step by step on files and SQLite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.documents import outcomes_prefix, parts_prefix
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import (
    CanceledJobError,
    DicomorphError,
    InexistentItemError,
    InternalError,
    StorageFullError,
    TransientError,
)
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services import job_watch
from dicomorph.services.delete_resource import delete_resource
from dicomorph.services.edit_batch import edit_batch
from dicomorph.services.finalize_job import abandon_job, finalize_job
from dicomorph.services.job_actions import cancel_job, delete_job, pause_job, resubmit_job, resume_job
from dicomorph.services.job_view import job_json
from dicomorph.services.plan_job import plan_job
from dicomorph.services.wait_for_job import wait_for_job
from tests.support.idle_runner import IdleRunner
from tests.workflows.embedded import Server, serve

CANCELLED = (JobState.FAILURE, CanceledJobError.code)
IN_PLACE = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"], "Force": True}
REPLACING = {"KeepSource": False}
SOURCES = 5

Action = Callable[[Any, str], None]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return serve(tmp_path / "data")


def study(server: Server) -> str:
    """Store five instances: three batches."""
    (found,) = {str(server.upload(number)["ParentStudy"]) for number in range(1, SOURCES + 1)}
    return found


def outcome(job: Job) -> tuple[JobState, int]:
    return job.state, job.error_code


def counts(job: Job) -> tuple[object, object]:
    return job.content["InstancesCount"], job.content["FailedInstancesCount"]


def check_files(server: Server) -> None:
    """Each file belongs to an entry, and each entry has its file."""
    assert server.files() == sorted(pin.object.key for pin in server.pins())
    for pin in server.pins():
        server.read(pin)


class Meddling:
    """A store in which something happens before the nth product is written."""

    def __init__(self, server: Server, nth: int, event: Callable[[], object]) -> None:
        self._objects = server.backend.objects
        self._left = nth
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def put(self, key: str, data: bytes) -> Any:
        if key.startswith("instances/"):
            self._left -= 1
            if self._left == 0:
                self._event()
        return self._objects.put(key, data)


def meddled(server: Server, nth: int, event: Callable[[], object]) -> Server:
    objects: Any = Meddling(server, nth, event)
    return Server(replace(server.backend, objects=objects))


def in_state(server: Server, state: JobState, source: str) -> Job:
    """Return a job that is in a state, one batch done if it ever ran."""
    job = server.submit(source, body=REPLACING)
    if state is JobState.PENDING:
        return job
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    if state is JobState.SUCCESS:
        return server.finish(job)
    if state is JobState.FAILURE:
        abandon_job(server.backend, job.id)
    if state is JobState.PAUSED:
        pause_job(server.backend, job.id)
    return server.job(job.id)


# ------------------------------------------------------------------ actions in each state


@pytest.mark.parametrize(
    ("action", "state", "expected"),
    [
        (cancel_job, JobState.PENDING, JobState.FAILURE),
        (cancel_job, JobState.RUNNING, JobState.FAILURE),
        (cancel_job, JobState.PAUSED, JobState.FAILURE),
        (cancel_job, JobState.FAILURE, JobState.FAILURE),
        (cancel_job, JobState.SUCCESS, JobState.SUCCESS),
        (pause_job, JobState.PENDING, JobState.PAUSED),
        (pause_job, JobState.RUNNING, JobState.PAUSED),
        (pause_job, JobState.PAUSED, JobState.PAUSED),
        (pause_job, JobState.FAILURE, JobState.FAILURE),
        (pause_job, JobState.SUCCESS, JobState.SUCCESS),
        (resume_job, JobState.PAUSED, JobState.PENDING),
        (resubmit_job, JobState.FAILURE, JobState.PENDING),
    ],
)
def test_an_action_leads_to_a_state(
    server: Server, action: Action, state: JobState, expected: JobState
) -> None:
    before = in_state(server, state, study(server))
    action(server.backend, before.id)
    after = server.job(before.id)
    assert after.state is expected
    assert (after == before) == (state is expected)


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (resume_job, (JobState.PENDING, JobState.RUNNING, JobState.FAILURE, JobState.SUCCESS)),
        (resubmit_job, (JobState.PENDING, JobState.RUNNING, JobState.PAUSED, JobState.SUCCESS)),
        (delete_job, (JobState.PENDING, JobState.RUNNING, JobState.PAUSED)),
    ],
)
def test_an_action_that_makes_no_sense_changes_nothing(
    server: Server, action: Action, states: tuple[JobState, ...]
) -> None:
    source = study(server)
    for state in states:
        before = in_state(server, state, source)
        with pytest.raises(InexistentItemError):
            action(server.backend, before.id)
        assert server.job(before.id) == before
        cancel_job(server.backend, before.id)
        source = server.pins()[0].ancestry.study


@pytest.mark.parametrize("action", [cancel_job, pause_job, resume_job, resubmit_job, delete_job])
def test_an_unknown_job_has_nothing_to_act_on(server: Server, action: Action) -> None:
    with pytest.raises(InexistentItemError):
        action(server.backend, "nope")


@pytest.mark.parametrize("state", [JobState.SUCCESS, JobState.FAILURE])
def test_a_job_that_ended_is_forgotten_with_its_documents_and_nothing_else(
    server: Server, state: JobState
) -> None:
    job = in_state(server, state, study(server))
    before = server.pins()
    delete_job(server.backend, job.id)
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []
    assert server.pins() == before


# ------------------------------------------------------------------ stopping


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_stopped_job_ignores_the_rest_of_its_workflow(server: Server, stop: Action, batches: int) -> None:
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    for number in range(batches):
        edit_batch(server.backend, job.id, number)
    stop(server.backend, job.id)
    stopped, stored = server.job(job.id), server.pins()
    for number in range(3):
        edit_batch(server.backend, job.id, number)
        edit_batch(server.backend, job.id, number, part=0)
    assert plan_job(server.backend, job.id) == 0
    finalize_job(server.backend, job.id)
    assert (server.job(job.id), server.pins()) == (stopped, stored)
    assert len(stored) == SOURCES + min(2 * batches, SOURCES)
    assert len(list(server.backend.index.pins(Level.STUDY, source))) == SOURCES
    if stop is pause_job:
        abandon_job(server.backend, job.id)
        assert server.job(job.id) == stopped


@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_worker_stops_between_two_instances_and_leaves_no_outcome(
    server: Server, stop: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    source = study(server)
    job = server.submit(source, body=REPLACING)
    plan_job(server.backend, job.id)
    edit_batch(meddled(server, 1, lambda: stop(server.backend, job.id)).backend, job.id, 0)
    assert len(server.pins()) == SOURCES + 1  # the one that was being written
    assert list(server.backend.objects.keys(outcomes_prefix(job))) == []
    assert len(list(server.backend.objects.keys(parts_prefix(job)))) == 1
    check_files(server)
    assert job_json(server.backend, server.job(job.id))["Progress"] == 100 // (SOURCES + 2)


def test_a_worker_that_cannot_look_goes_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    looks = [0]

    class Throttled:
        def get(self, job_id: str) -> Any:
            looks[0] += 1
            if looks[0] in (2, 3):  # the first one begins the batch, the last one ends it
                raise TransientError
            return server.backend.jobs.get(job_id)

    jobs: Any = Throttled()
    edit_batch(replace(server.backend, jobs=jobs), job.id, 0)
    assert looks == [4]
    assert len(server.pins()) == SOURCES + 2
    assert len(list(server.backend.objects.keys(outcomes_prefix(job)))) == 1


def test_a_worker_leaves_no_document_of_a_job_that_was_forgotten_meanwhile(server: Server) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)

    def forget() -> None:
        cancel_job(server.backend, job.id)
        delete_job(server.backend, job.id)

    edit_batch(meddled(server, 1, forget).backend, job.id, 0)
    with pytest.raises(InexistentItemError):
        finalize_job(server.backend, job.id)
    assert list(server.backend.objects.keys("jobs/")) == []
    check_files(server)


def test_a_job_that_is_stopped_while_it_is_planned_is_planned_when_it_goes_on(server: Server) -> None:
    source = study(server)
    job = server.submit(source)

    class Index:
        def __getattr__(self, name: str) -> Any:
            return getattr(server.backend.index, name)

        def find_many(self, resource_ids: Any) -> Any:
            pause_job(server.backend, job.id)
            return server.backend.index.find_many(resource_ids)

    index: Any = Index()
    assert plan_job(replace(server.backend, index=index), job.id) == 0
    server.upload(SOURCES + 1)
    resume_job(server.backend, job.id)
    assert plan_job(server.backend, job.id) == 0  # of the first execution
    assert server.job(job.id).state is JobState.PENDING
    assert counts(server.finish(job)) == (SOURCES + 1, 0)


def test_a_stopped_execution_that_cannot_be_reached_stops_by_itself(server: Server) -> None:
    class Away(IdleRunner):
        def stop(self, job: Job) -> None:
            raise TransientError(job.id)

    job = server.submit(study(server), body=REPLACING)
    cancel_job(replace(server.backend, runner=Away()), job.id)
    assert outcome(server.finish(job)) == CANCELLED
    assert len(server.pins()) == SOURCES


# ------------------------------------------------------------------ going on


@pytest.mark.parametrize("moment", range(1, SOURCES + 1))
@pytest.mark.parametrize("case", ["replacing", "in-place"])
def test_a_paused_job_goes_on_where_it_stopped(
    tmp_path: Path, moment: int, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    body = REPLACING if case == "replacing" else {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = server.submit(study(server), body=body)
    first = meddled(server, moment, lambda: pause_job(server.backend, job.id))
    first.finish(job)
    assert server.job(job.id).state is JobState.PAUSED
    resume_job(server.backend, job.id)
    written: list[int] = []
    done = meddled(server, 1, lambda: written.append(1)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert len(server.pins()) == SOURCES
    assert bool(written) == (moment < SOURCES)  # nothing is edited twice
    check_files(server)


def test_a_batch_that_was_interrupted_is_not_edited_from_the_start(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_watch, "SECONDS", 0)
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    edit_batch(meddled(server, 1, lambda: pause_job(server.backend, job.id)).backend, job.id, 0)
    made = set(server.files())
    resume_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    again: list[int] = []
    # The first of two is there: only the second one is written.
    edit_batch(meddled(server, 2, lambda: again.append(1)).backend, job.id, 0)
    assert again == []
    assert made < set(server.files())
    assert counts(server.finish(job)) == (SOURCES, 0)


def test_tasks_of_an_earlier_execution_decide_nothing(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)
    pause_job(server.backend, job.id)
    resume_job(server.backend, job.id)
    plan_job(server.backend, job.id, 2)
    running = server.job(job.id)
    finalize_job(server.backend, job.id, 1)
    abandon_job(server.backend, job.id, 1)
    assert server.job(job.id) == running
    for number in range(3):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id, 2)
    assert counts(server.job(job.id)) == (SOURCES, 0)


def test_a_job_that_cannot_be_started_again_is_what_it_was(server: Server) -> None:
    class Away(IdleRunner):
        def start(self, job: Job) -> None:
            raise TransientError(job.id)

    away = replace(server.backend, runner=Away())
    job = in_state(server, JobState.PAUSED, study(server))
    with pytest.raises(TransientError):
        resume_job(away, job.id)
    assert server.job(job.id).state is JobState.PAUSED
    assert plan_job(server.backend, job.id, 2) == 0  # started all the same, perhaps
    cancel_job(server.backend, job.id)
    cancelled = server.job(job.id)
    with pytest.raises(TransientError):
        resubmit_job(away, job.id)
    after = server.job(job.id)
    assert (outcome(after), after.completed) == (CANCELLED, cancelled.completed)
    resubmit_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)
    assert len(server.pins()) == SOURCES


# ------------------------------------------------------------------ again


def fail_once(server: Server, source: str, body: dict[str, Any]) -> Job:
    """Return a job of which one instance, in the middle of the plan, has failed."""
    job = server.submit(source, body=body)

    def fail() -> None:
        raise StorageFullError

    done = meddled(server, 3, fail).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.FAILURE, 19), (SOURCES, 1))
    return done


@pytest.mark.parametrize("case", ["replacing", "in-place"])
def test_what_failed_is_done_again_and_nothing_else(tmp_path: Path, case: str) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.ALWAYS)
    body = REPLACING if case == "replacing" else {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = fail_once(server, study(server), body)
    key = server.backend.jobs.get(job.id)
    resubmit_job(server.backend, job.id)
    pending = server.job(job.id)
    assert (pending.error_code, pending.content["FailedInstancesCount"]) == (0, 0)
    assert "ID" not in pending.content
    again: list[int] = []
    done = meddled(server, 2, lambda: again.append(1)).finish(job)
    assert again == []
    assert (outcome(done), counts(done), done.attempt) == ((JobState.SUCCESS, 0), (SOURCES, 0), 2)
    assert key is not None
    assert done.key == key.key
    assert len(server.pins()) == SOURCES
    check_files(server)


def test_products_that_were_deleted_meanwhile_are_made_again(server: Server) -> None:
    source = study(server)
    job = fail_once(server, source, REPLACING)
    product = str(job.content["ID"])
    delete_resource(server.backend, Level.STUDY, product)
    resubmit_job(server.backend, job.id)
    done = server.finish(job)
    assert (counts(done), done.content["ID"]) == ((SOURCES, 0), product)
    assert {pin.ancestry.study for pin in server.pins()} == {product}
    check_files(server)


def test_a_late_worker_of_an_earlier_attempt_misleads_nobody(server: Server) -> None:
    job = server.submit(study(server), body=REPLACING)
    plan_job(server.backend, job.id)

    def overtake() -> None:
        cancel_job(server.backend, job.id)
        resubmit_job(server.backend, job.id)
        plan_job(server.backend, job.id, 2)
        raise ValueError  # so the late worker has a failure to tell

    edit_batch(meddled(server, 1, overtake).backend, job.id, 0)
    done = server.finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    edit_batch(server.backend, job.id, 0)
    finalize_job(server.backend, job.id, 1)
    assert server.job(job.id) == done
    assert len(server.pins()) == SOURCES
    check_files(server)


def test_a_job_that_failed_in_its_plan_is_planned_again(server: Server) -> None:
    source = study(server)
    job = server.submit(source)
    delete_resource(server.backend, Level.STUDY, source)
    assert server.finish(job).error_code == 17
    assert study(server) == source
    resubmit_job(server.backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)


# ------------------------------------------------------------------ cancelled at its end


class Watched:
    """An index that lets something happen before sources are deleted, or parents rebuilt."""

    def __init__(self, server: Server, name: str, event: Callable[[], object]) -> None:
        self._index = server.backend.index
        self._name = name
        self._event = event

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._event()
        return getattr(self._index, name)


@pytest.mark.parametrize("call", ["refresh", "remove_instances"])
@pytest.mark.parametrize("stop", [cancel_job, pause_job])
def test_a_job_that_comes_to_its_end_ends(server: Server, stop: Action, call: str) -> None:
    job = server.submit(study(server), body=REPLACING)
    index: Any = Watched(server, call, lambda: stop(server.backend, job.id))
    done = Server(replace(server.backend, index=index)).finish(job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert len(server.pins()) == SOURCES


class Contended:
    """Records in which something happens before the nth update."""

    def __init__(self, server: Server, nth: int, event: Callable[[], object]) -> None:
        self._jobs = server.backend.jobs
        self._left = nth
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    def update(self, job: Job) -> Job:
        self._left -= 1
        if self._left == 0:
            self._event()
        return self._jobs.update(job)


@pytest.mark.parametrize("nth", range(1, 6))
def test_whoever_updates_the_record_first_decides(server: Server, nth: int) -> None:
    job = server.submit(study(server), body=REPLACING)
    jobs: Any = Contended(server, nth, lambda: cancel_job(server.backend, job.id))
    done = Server(replace(server.backend, jobs=jobs)).finish(job)
    left = len(list(server.backend.index.pins(Level.STUDY, str(job.content["ParentResources"][0]))))  # type: ignore[index]
    assert (outcome(done), left) in (((JobState.SUCCESS, 0), 0), (CANCELLED, SOURCES))
    assert (done.state is JobState.SUCCESS) == (nth > 3)  # begun, planned, ending: until then
    check_files(server)


# ------------------------------------------------------------------ lost


def test_a_job_that_nothing_runs_any_more_has_failed_and_says_why(server: Server) -> None:
    runner = IdleRunner()
    backend = replace(server.backend, runner=runner)
    job = server.submit(study(server), body=REPLACING)
    plan_job(backend, job.id)
    assert job_json(backend, server.job(job.id))["State"] == "Running"
    runner.lost = InternalError("The execution of the job ended as ABORTED")
    view = job_json(backend, server.job(job.id))
    assert (view["State"], view["ErrorCode"]) == ("Failure", -1)
    assert view["ErrorDetails"] == "The execution of the job ended as ABORTED"
    assert outcome(server.job(job.id)) == (JobState.FAILURE, -1)
    with pytest.raises(DicomorphError):
        wait_for_job(backend, job.id, seconds=None)
    runner.lost = None
    resubmit_job(backend, job.id)
    assert counts(server.finish(job)) == (SOURCES, 0)


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.SUCCESS, JobState.FAILURE])
def test_a_job_that_is_not_to_run_is_not_missed(server: Server, state: JobState) -> None:
    runner = IdleRunner()
    runner.lost = InternalError("Nothing runs it")
    job = in_state(server, state, study(server))
    assert job_json(replace(server.backend, runner=runner), job)["State"] == state.value
    assert server.job(job.id) == job


def test_a_workflow_that_ended_just_now_has_not_lost_its_job(server: Server) -> None:
    job = server.submit(study(server))
    plan_job(server.backend, job.id)
    seen = server.job(job.id)
    done = server.finish(job)
    runner = IdleRunner()
    runner.lost = InternalError("It has ended")
    assert job_json(replace(server.backend, runner=runner), seen)["State"] == "Success"
    assert server.job(job.id) == done


@pytest.mark.parametrize("refusal", [StorageFullError(), TransientError()])
def test_a_loss_that_cannot_be_written_down_is_told_all_the_same(server: Server, refusal: Exception) -> None:
    job = server.submit(study(server))

    def refuse() -> None:
        raise refusal

    jobs: Any = Contended(server, 1, refuse)
    runner = IdleRunner()
    runner.lost = StorageFullError("No space is left")
    backend = replace(server.backend, jobs=jobs, runner=runner)
    with pytest.raises(StorageFullError):
        wait_for_job(backend, job.id, seconds=None)
    assert server.job(job.id).state is JobState.PENDING
    assert job_json(backend, server.job(job.id))["State"] == "Failure"  # there is space again
    assert server.job(job.id).error_code == 19
