"""What the records of jobs do, wherever they are kept."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.model.errors import ConflictError
from dicomorph.model.resources import Level
from dicomorph.ports.jobs import JobRecords
from tests.support.filled_jobs import filled_job, new_job


def make_job(number: int = 1, **changes: object) -> Job:
    job = Job(
        id=f"00000000-0000-4000-8000-{number:012}",
        type=JobType.RESOURCE_MODIFICATION,
        is_anonymization=True,
        level=Level.STUDY,
        key=number.to_bytes(32, "big"),
        created=f"2024-01-01T00:00:{number:02}.000001",
    )
    return replace(job, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("request_of_job", [b"", b'{"Body": {}}', bytes(range(256)) * 4096])
def test_what_was_asked_lives_as_long_as_the_record(records: JobRecords, request_of_job: bytes) -> None:
    job = new_job()
    for _ in range(2):
        records.create(job, request=request_of_job)
        held = records.request(job.id)
        assert held in (None, request_of_job)
    records.update(replace(job, state=JobState.RUNNING))
    assert records.request(job.id) == held
    records.delete(job.id)
    assert records.request(job.id) is None


def test_a_new_job_is_found_as_it_was_written(records: JobRecords) -> None:
    assert records.get(new_job().id) is None
    records.create(new_job())
    assert records.get(new_job().id) == new_job()


def test_each_field_is_found_again(records: JobRecords) -> None:
    job = filled_job()
    records.create(job)
    assert records.get(job.id) == job
    assert records.all() == [job]


def test_each_field_is_found_again_after_an_update(records: JobRecords) -> None:
    job = filled_job()
    records.create(new_job())
    updated = records.update(replace(job, revision=0))
    assert updated == replace(job, revision=1)
    assert records.get(job.id) == updated
    assert records.all() == [updated]


def test_creating_again_is_harmless(records: JobRecords) -> None:
    records.create(make_job())
    records.create(make_job())
    running = records.update(make_job(state=JobState.RUNNING))
    records.create(make_job())
    assert records.all() == [running]


def test_an_id_belongs_to_one_job(records: JobRecords) -> None:
    records.create(make_job())
    with pytest.raises(ConflictError):
        records.create(make_job(key=b"another secret".ljust(32)))
    assert records.get(make_job().id) == make_job()


def test_an_update_counts_the_revision(records: JobRecords) -> None:
    records.create(make_job())
    running = records.update(make_job(state=JobState.RUNNING))
    assert running == make_job(state=JobState.RUNNING, revision=1)
    done = records.update(replace(running, state=JobState.SUCCESS, content={"ID": "y"}))
    assert records.get(done.id) == done
    assert done.revision == 2


def test_an_update_of_what_somebody_else_updated_is_refused(records: JobRecords) -> None:
    records.create(make_job())
    running = records.update(make_job(state=JobState.RUNNING))
    with pytest.raises(ConflictError):
        records.update(make_job(state=JobState.FAILURE))
    assert records.all() == [running]


def test_an_update_of_a_forgotten_job_is_refused(records: JobRecords) -> None:
    records.create(make_job())
    records.delete(make_job().id)
    with pytest.raises(ConflictError):
        records.update(make_job(state=JobState.RUNNING))
    assert records.all() == []
    assert not records.any_alive()


def test_jobs_are_listed_by_creation(records: JobRecords) -> None:
    jobs = [make_job(number) for number in range(1, 5)]
    for number in (2, 0, 3, 1):
        records.create(jobs[number])
    assert records.all() == jobs
    records.delete(jobs[1].id)
    records.delete(jobs[1].id)
    records.delete("unknown")
    assert records.all() == [jobs[0], *jobs[2:]]


@pytest.mark.parametrize("state", JobState)
def test_a_job_lives_until_it_is_final(records: JobRecords, state: JobState) -> None:
    assert not records.any_alive()
    records.create(make_job(1, state=JobState.SUCCESS))
    records.create(make_job(2))
    assert records.any_alive()
    updated = records.update(make_job(2, state=state))
    assert records.any_alive() is not state.is_final
    records.delete(updated.id)
    assert not records.any_alive()


def test_a_large_job_is_kept_and_shrinks(records: JobRecords) -> None:
    ids = [hashlib.sha1(b"%d" % n, usedforsecurity=False).hexdigest() for n in range(20_000)]
    large = make_job(user_data=list(ids), content={"Resources": [{"ID": one} for one in ids]})
    records.create(large)
    assert records.get(large.id) == large
    small = records.update(make_job(state=JobState.SUCCESS))
    assert records.get(small.id) == small
    records.delete(small.id)
    assert records.get(small.id) is None


def test_threads_lose_no_update(records: JobRecords) -> None:
    records.create(make_job())

    def count_up(_: int) -> int:
        conflicts = 0
        while True:
            job = records.get(make_job().id)
            assert job is not None
            try:
                records.update(replace(job, batches=job.batches + 1))
            except ConflictError:
                conflicts += 1
            else:
                return conflicts

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(20)))
    job = records.get(make_job().id)
    assert job is not None
    assert job.batches == job.revision == 20
