"""What the sweep deletes, and what it never touches, on a mocked AWS."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest

from dicomorph.aws.objects.versions import S3Versions
from dicomorph.jobs.model import JobState
from dicomorph.model.errors import InternalError, MisconfiguredError, TransientError
from dicomorph.model.object_keys import product_key
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services import deadline
from dicomorph.services.jobs.actions import cancel_job, pause_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.sweeping import sweeper
from dicomorph.services.sweeping.sweeper import LEAST_DAYS, SweepRules
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import IN_PLACE, counts
from tests.workflows import aws_server, stack
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import Server
from tests.workflows.five_instances import SOURCES, study
from tests.workflows.meddling import before_nth, failing
from tests.workflows.sweeps import DAYS, STRAY, UNKNOWN_JOB, Store
from tests.workflows.sweeps import store as new_store

FOLDERS = sweeper._FOLDERS  # others below


@pytest.fixture(scope="module")
def shared() -> Iterator[Store]:
    with new_store() as found:
        yield found


@pytest.fixture
def store(shared: Store) -> Store:
    aws_server.clear()
    shared.day = 0.0
    return shared


def _versions(store: Store) -> S3Versions:
    return S3Versions(store.s3, stack.BUCKET)


def _overwriting(store: Store) -> Server:
    settings = Settings(overwrite_instances=OverwriteInstances.ALWAYS)
    return Server(replace(store.server.backend, settings=settings))


def test_what_had_no_entry_twice_goes_for_good_and_nothing_else_does(store: Store) -> None:
    stored = store.server.upload()
    others = [
        *("settings/settings.json", "incoming/a.dcm", "rejected/a", "results/a.dcm", "elsewhere/a.dcm"),
        *("instances/ab/a.dcm", f"instances/ab/{'ab' * 20}/a.txt", f"instances/ab/{'ab' * 20}/b/a.dcm"),
        *("jobs/a.json", "jobs/other/a.json", "erasures/a"),
    ]
    store.put(STRAY, *others)
    before = store.all()
    for days in (2, 2, 1, 2):  # too young, not looked at again, seen, not yet seen for long enough
        assert store.sweep(days).files == 0
        assert store.all() == before
    assert store.sweep(1).files == 1
    assert store.all() == [one for one in before if one[0] != STRAY]
    assert store.read_all() == 1
    assert store.server.files()[0] != STRAY
    assert store.backend.index.catalogue.get(Level.INSTANCE, stored["ID"]) is not None


def test_counting_deletes_nothing(store: Store) -> None:
    store.put(STRAY, f"{UNKNOWN_JOB}request.json")
    before = store.all()
    for _ in range(3):
        swept = store.sweep(DAYS + 1, deletes=False)
    assert (swept.strays, swept.files, swept.documents) == (1, 0, 0)
    assert store.all() == before


@pytest.mark.parametrize("days", [0, 1])
def test_less_than_a_day_more_than_the_longest_retry_is_refused(days: int) -> None:
    assert SweepRules(LEAST_DAYS, deletes=True).days == LEAST_DAYS
    with pytest.raises(MisconfiguredError):
        SweepRules(days, deletes=True)


def test_what_is_stored_under_the_key_between_listing_and_deletion_stays(store: Store) -> None:
    store.put(STRAY)
    store.sweep(DAYS + 1)
    versions = _versions(store)
    assert store.sweep(DAYS + 1, versions=before_nth(versions, "erase", 1, lambda: store.put(STRAY))).files
    assert store.present() == [STRAY]
    assert store.backend.objects.get(STRAY) == b"x"


def test_what_gets_its_entry_between_two_looks_stays(store: Store) -> None:
    store.server.upload()
    entries = dict(store.dynamodb.scan(TableName="index"))["Items"]
    for item in entries:
        store.dynamodb.delete_item(TableName="index", Key={name: item[name] for name in ("PK", "SK")})
    store.put(STRAY)
    assert store.sweep(DAYS + 1).strays == 2

    def enter() -> None:
        for item in entries:
            store.dynamodb.put_item(TableName="index", Item=item)

    # As late as can be: after the entries were read, and before they are read once more.
    jobs = before_nth(store.backend.jobs, "all", 1, enter)
    assert store.sweep(DAYS + 1, jobs=jobs).files == 1
    assert store.read_all() == 1


@pytest.mark.parametrize("ends", [False, True])
def test_the_product_of_a_paused_job_stays_until_the_job_ends(store: Store, ends: bool) -> None:  # noqa: FBT001
    job = store.server.submit(study(store.server))
    plan_job(store.server.backend, job.id)
    product = product_key(job.id, "ab" * 20, 1, 1)
    store.put(product)  # of a worker that died before the entry
    (cancel_job if ends else pause_job)(store.server.backend, job.id)
    store.sweep(30)
    assert store.sweep(30).files == ends
    assert (product in store.present()) is not ends
    assert store.read_all() == SOURCES
    assert store.server.job(job.id).state is (JobState.FAILURE if ends else JobState.PAUSED)


def test_what_a_living_job_has_pinned_stays_though_it_was_replaced(store: Store) -> None:
    overwriting = _overwriting(store)
    source = study(overwriting)
    sources = {pin.object.key for pin in overwriting.pins()}
    body = {**IN_PLACE, "Replace": {"StudyDescription": "New"}}
    job = overwriting.submit(source, body=body)
    plan_job(overwriting.backend, job.id)
    edit_batch(overwriting.backend, job.id, 0)  # two versions have lost their entries
    store.sweep_twice()
    assert sources <= set(store.present())
    assert counts(overwriting.finish(job)) == (SOURCES, 0)
    store.sweep_twice()
    assert store.read_all() == SOURCES
    assert not sources & set(store.present())


def test_while_a_job_is_planned_nothing_goes(store: Store) -> None:
    job = store.server.submit(study(store.server))
    store.put(STRAY)
    store.sweep(DAYS + 1)
    planning = store.server.job(job.id)
    assert planning.state is JobState.PENDING
    store.backend.jobs.update(replace(planning, state=JobState.RUNNING))
    assert store.sweep(DAYS + 1).files == 0
    cancel_job(store.backend, job.id)
    assert store.sweep(DAYS + 1).files == 1


def test_what_a_deletion_is_about_to_erase_is_left_to_it(store: Store) -> None:
    stored = store.server.upload()
    (key,) = store.present()
    store.sweep(DAYS + 1)
    objects = before_nth(store.backend.objects, "discard", 1, failing(TransientError()))
    with pytest.raises(TransientError):
        delete_resource(replace(store.backend, objects=objects), Level.INSTANCE, stored["ID"])
    assert store.server.pins() == []
    store.sweep(DAYS + 1)
    assert store.sweep(DAYS + 1).files == 0
    delete_resource(store.backend, Level.INSTANCE, stored["ID"])  # which leaves a version for some days
    assert key not in store.present()
    store.sweep_twice()
    assert {one for one, _ in store.all()} >= {key}


def test_what_was_deleted_can_be_restored_between_two_sweeps(store: Store) -> None:
    stored = store.server.upload()
    (key,) = store.present()
    items = store.dynamodb.scan(TableName="index")["Items"]
    store.sweep(DAYS + 1)
    delete_resource(store.server.backend, Level.INSTANCE, stored["ID"])
    assert store.sweep(DAYS + 1).looked == 0
    for item in items:
        store.dynamodb.put_item(TableName="index", Item=item)
    [marker] = store.s3.list_object_versions(Bucket=stack.BUCKET, Prefix=key)["DeleteMarkers"]
    store.s3.delete_object(Bucket=stack.BUCKET, Key=key, VersionId=marker["VersionId"])
    store.sweep_twice()
    assert store.read_all() == 1


def test_of_more_files_than_crashes_leave_none_goes_and_somebody_is_told(store: Store) -> None:
    strays = [STRAY.replace("0.dcm", f"{number:x}.dcm") for number in range(11)]
    store.put(*strays)
    before = store.all()
    assert store.sweep(DAYS + 1).strays == len(strays)
    for _ in range(2):
        with pytest.raises(InternalError, match="Too many"):
            store.sweep(DAYS + 1)
        assert store.all() == before
    store.s3.delete_object(Bucket=stack.BUCKET, Key=strays[0])
    with pytest.raises(InternalError):  # as it was seen before
        store.sweep(DAYS + 1)
    assert store.sweep(DAYS + 1).files == len(strays) - 1


def test_documents_go_of_jobs_that_no_record_knows_once_all_of_them_are_old(store: Store) -> None:
    job = store.server.submit(study(store.server))
    plan_job(store.server.backend, job.id)
    kept = [key for key in store.present() if key.startswith("jobs/")]
    store.put(f"{UNKNOWN_JOB}request.json", f"{UNKNOWN_JOB}batches/0/000000.json")
    assert store.sweep(DAYS - 1).documents == 0
    assert store.sweep(DAYS + 1).documents == 2
    assert [key for key in store.present() if key.startswith("jobs/")] == kept
    assert counts(store.server.finish(job)) == (SOURCES, 0)


def test_two_sweeps_at_once_do_what_one_does(store: Store) -> None:
    for method in ("newest", "erase"):
        stored = store.server.upload()
        store.put(STRAY, f"{UNKNOWN_JOB}request.json")
        store.sweep(DAYS + 1)
        other = before_nth(_versions(store), method, 1, store.sweep)
        store.sweep(DAYS + 1, versions=other)
        assert [one for one in store.present() if not one.startswith("instances/")] == []
        assert store.read_all() == len(store.server.files()) == 1
        delete_resource(store.server.backend, Level.INSTANCE, stored["ID"])


@pytest.mark.slow  # a run for each of its calls
def test_a_crash_at_any_call_leaves_what_another_run_finishes(store: Store) -> None:
    store.server.upload()

    for fuse in at_each_write(Fuse):
        store.put(STRAY, f"{UNKNOWN_JOB}request.json")
        store.sweep(2 * DAYS + 1)  # whatever the run before has seen
        store.day += DAYS + 1
        with store.calls(fuse.write), suppress(CrashError):
            store.sweep()
        assert store.read_all() == 1
        store.sweep_twice()
        assert store.present() == store.server.files() == [pin.object.key for pin in store.server.pins()]
    assert fuse.burns_at > 10


def test_a_part_that_fails_keeps_no_other_from_being_swept_and_somebody_is_told(store: Store) -> None:
    other = STRAY.replace("ab", "cd")
    store.put(STRAY, other)
    store.sweep(DAYS + 1)
    versions = before_nth(_versions(store), "newest", 1, failing(TransientError()))
    with pytest.raises(TransientError):
        store.sweep(DAYS + 1, versions=versions)
    assert store.present() == [STRAY]
    assert store.sweep().files == 1


def test_what_there_was_no_time_for_the_next_runs_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    strays = [STRAY.replace("ab", f"a{number}") for number in range(4)]
    store.put(*strays)
    store.sweep(DAYS + 1)
    ticks = itertools.count()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(ticks)))  # a second a step
    store.day += DAYS + 1
    assert [store.sweep(seconds=5).parts for _ in range(4)] == [2, 2, 1, 0]
    assert store.present() == []


def test_a_clock_that_was_wrong_deletes_nothing_too_soon_and_puts_nothing_off(store: Store) -> None:
    store.put(STRAY)
    store.sweep(300)  # by a clock that was wrong by a year
    assert store.sweep(-300 + DAYS + 1).strays == 1  # seen anew, though the last look lies ahead
    assert store.present() == [STRAY]
    assert store.sweep(DAYS - 1 / 24).files == 0  # an hour is missing
    assert store.sweep(1 / 24).files == 1


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"Time":"2026-01-01"}', b'{"Named":[1]}'])
def test_a_look_that_cannot_be_read_counts_for_none(store: Store, document: bytes) -> None:
    store.put(STRAY)
    store.sweep(DAYS + 1)
    store.backend.objects.put("sweeps/ab.json", document)
    assert store.sweep(DAYS + 1).files == 0
    assert store.sweep(DAYS + 1).files == 1


def test_all_parts_of_the_store_are_looked_at() -> None:
    digits = "0123456789abcdef"
    assert list(FOLDERS) == [f"{first}{second}" for first in digits for second in digits]
