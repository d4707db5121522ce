"""What clients do to a job that runs, and jobs to one another: nothing is lost, nothing comes back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.jobs.documents import outcomes_prefix
from dicomorph.jobs.model import JobState
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.contract.indexes import assert_hierarchy_is_true
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.embedded import Server, serve

REPLACING = {"KeepSource": False, "Replace": {"StudyDescription": "New"}}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Server]:
    with aws_server() as (server, _):
        yield server


def opened(request: pytest.FixtureRequest, folder: Path, **settings: Any) -> Server:
    """Return an empty server on one of the two pairs of stores."""
    if request.param == "embedded":
        return serve(folder / "data", **settings)
    cloud: Server = request.getfixturevalue("cloud")
    clear()
    return Server(replace(cloud.backend, settings=Settings(**settings)))


@pytest.fixture(params=["embedded", "aws"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return opened(request, tmp_path)


@pytest.fixture(params=["embedded", "aws"])
def overwriting(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return opened(request, tmp_path, overwrite_instances=OverwriteInstances.ALWAYS)


def upload(server: Server, count: int = 3, **values: Any) -> str:
    """Store instances of one series and return the id of their study."""
    (study,) = {str(server.upload(number + 1, **values)["ParentStudy"]) for number in range(count)}
    return study


def assert_whole(server: Server, instances: int, *, exactly: bool = True) -> None:
    """Check that so many instances are stored, each with its file, and (exactly) no other file."""
    pins = server.pins()
    assert len(pins) == server.backend.index.catalogue.statistics().instances == instances
    for pin in pins:
        server.read(pin)
    keys = {pin.object.key for pin in pins}
    assert keys == set(server.files()) if exactly else keys <= set(server.files())
    assert_hierarchy_is_true(server.backend.index)


def test_two_jobs_on_one_study_make_two_studies(server: Server) -> None:
    study = upload(server)
    jobs = [server.submit(study, anonymize=True) for _ in range(2)]
    plans = [plan_job(server.backend, job.id) for job in jobs]
    for number in range(max(plans)):
        for job in jobs:
            edit_batch(server.backend, job.id, number)
    done = [server.finish(job) for job in jobs]
    assert [(job.state, counts(job)) for job in done] == [(JobState.SUCCESS, (3, 0))] * 2
    assert done[0].content["ID"] != done[1].content["ID"]
    assert_whole(server, 9)


def test_of_two_jobs_that_replace_one_study_both_have_all_of_it(server: Server) -> None:
    study = upload(server)
    first, second = (server.submit(study, body=REPLACING) for _ in range(2))
    plan_job(server.backend, first.id)
    plan_job(server.backend, second.id)
    edit_batch(server.backend, second.id, 0)
    assert counts(server.finish(first)) == (3, 0)  # deletes the sources, which the other one has pinned
    assert server.backend.index.catalogue.get(Level.STUDY, study) is None
    done = server.finish(second)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (3, 0))
    assert_whole(server, 6)


def test_a_job_whose_sources_another_one_replaced_before_it_was_planned_fails(server: Server) -> None:
    study = upload(server)
    first, second = (server.submit(study, body=REPLACING) for _ in range(2))
    server.finish(first)
    assert (server.finish(second).state, server.job(second.id).error_code) == (JobState.FAILURE, 17)
    assert_whole(server, 3)


def test_of_two_jobs_in_place_the_second_one_undoes_nothing_of_the_first(overwriting: Server) -> None:
    study = upload(overwriting)
    jobs = [
        overwriting.submit(study, body={**IN_PLACE, "Replace": {"StudyDescription": text}})
        for text in ("One", "Two")
    ]
    for job in jobs:
        plan_job(overwriting.backend, job.id)
    for job in jobs:
        for number in range(2):
            edit_batch(overwriting.backend, job.id, number)
    for job in jobs:
        finalize_job(overwriting.backend, job.id)
    first, second = (overwriting.job(job.id) for job in jobs)
    assert (first.state, counts(first)) == (JobState.SUCCESS, (3, 0))
    assert (second.state, second.error_code, counts(second)) == (JobState.FAILURE, 2018, (3, 3))
    assert {overwriting.read(pin).StudyDescription for pin in overwriting.pins()} == {"One"}
    assert_whole(overwriting, 3)


def test_a_deleted_source_is_edited_all_the_same(server: Server) -> None:
    study = upload(server)
    job = server.submit(study, body=REPLACING)
    plan_job(server.backend, job.id)
    edit_batch(server.backend, job.id, 0)
    delete_resource(server.backend, Level.STUDY, study)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (3, 0))
    assert_whole(server, 3)


def test_what_is_deleted_between_submission_and_plan_is_left_out(server: Server) -> None:
    study = upload(server)
    job = server.submit(study, body=REPLACING)
    delete_resource(server.backend, Level.INSTANCE, server.pins()[0].ancestry.instance)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (2, 0))
    assert_whole(server, 2)


def test_what_is_deleted_while_it_is_planned_is_left_out(server: Server) -> None:
    study = upload(server)
    job = server.submit(study, body=REPLACING)
    index = server.backend.index
    victim = server.pins()[1].ancestry.instance

    class Catalogue:
        def __getattr__(self, name: str) -> Any:
            return getattr(index.catalogue, name)

        def pins_of(self, ids: Any) -> Any:
            if victim in ids and index.catalogue.get(Level.INSTANCE, victim):
                delete_resource(server.backend, Level.INSTANCE, victim)
            return index.catalogue.pins_of(ids)

    meddled: Any = Catalogue()
    plan_job(replace(server.backend, index=replace(index, catalogue=meddled)), job.id)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (2, 0))
    assert_whole(server, 2)


def test_an_overwritten_source_is_edited_as_it_was_and_its_new_version_stays(overwriting: Server) -> None:
    study = upload(overwriting)
    job = overwriting.submit(study, body=REPLACING)
    plan_job(overwriting.backend, job.id)
    overwriting.upload(1, PatientSex="F")
    done = overwriting.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (3, 0))
    (left,) = overwriting.backend.index.catalogue.pins(Level.STUDY, study)
    assert overwriting.read(left).PatientSex == "F"
    products = overwriting.backend.index.catalogue.pins(Level.STUDY, str(done.content["ID"]))
    assert ["PatientSex" in overwriting.read(pin) for pin in products] == [False] * 3
    assert_whole(overwriting, 4)


def test_a_product_that_a_client_deletes_before_the_end_keeps_the_sources(server: Server) -> None:
    study = upload(server)
    job = server.submit(study, body=REPLACING)
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    product = next(pin for pin in server.pins() if pin.ancestry.study != study)
    delete_resource(server.backend, Level.INSTANCE, product.ancestry.instance)
    finalize_job(server.backend, job.id)
    assert len(list(server.backend.index.catalogue.pins(Level.STUDY, study))) == 3
    assert_whole(server, 5)


def test_tasks_in_any_order_and_repeatedly_leave_each_product_once(server: Server) -> None:
    study = upload(server, 5)
    job = server.submit(study, body=REPLACING)
    count = plan_job(server.backend, job.id)
    order = [number for number in reversed(range(count)) for _ in range(2)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: edit_batch(server.backend, job.id, number), order))
    plan_job(server.backend, job.id)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (5, 0))
    finalize_job(server.backend, job.id)
    for number in order:
        edit_batch(server.backend, job.id, number)
    assert server.job(job.id) == done
    assert_whole(server, 5)


def test_a_batch_that_is_edited_again_keeps_its_products(server: Server) -> None:
    study = upload(server)
    job = server.submit(study, body=REPLACING)
    plan_job(server.backend, job.id)
    outcomes = []
    for _ in range(2):  # as if the first outcome had not been written
        edit_batch(server.backend, job.id, 0)
        (key,) = server.backend.objects.keys(outcomes_prefix(server.job(job.id)))
        outcomes.append(server.backend.objects.get(key))
        server.backend.objects.discard([replace(server.pins()[0].object, key=key)], pinned=False)
    done = server.finish(job)
    assert (done.state, counts(done)) == (JobState.SUCCESS, (3, 0))
    assert server.backend.index.catalogue.get(Level.STUDY, study) is None
    assert_whole(server, 3)
