"""The record of a job as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given

from dicomorph.jobs.model import Job
from dicomorph.jobs.record import decode, encode
from tests.support.filled_jobs import any_job, default, filled_job, new_job

_OPTIONAL = [field for field in dataclasses.fields(Job) if default(field) is not dataclasses.MISSING]
_REQUIRED = [field for field in dataclasses.fields(Job) if field not in _OPTIONAL]


@given(any_job())
def test_a_job_survives(job: Job) -> None:
    assert decode(json.loads(json.dumps(encode(job)))) == job


def test_a_record_holds_each_field_by_its_name() -> None:
    assert list(encode(filled_job())) == [field.name for field in dataclasses.fields(Job)]


@pytest.mark.parametrize("field", _OPTIONAL, ids=lambda field: field.name)
def test_what_an_earlier_version_did_not_write_has_its_default(field: Any) -> None:
    job = filled_job()
    record = encode(job)
    del record[field.name]
    assert decode(record) == dataclasses.replace(job, **{field.name: default(field)})


@pytest.mark.parametrize("field", _REQUIRED, ids=lambda field: field.name)
def test_a_record_without_what_every_version_writes_is_refused(field: Any) -> None:
    record = encode(filled_job())
    del record[field.name]
    with pytest.raises(TypeError):
        decode(record)


def test_what_a_later_version_has_added_is_ignored() -> None:
    assert decode({**encode(new_job()), "added_later": {"any": ["value"]}}) == new_job()


@pytest.mark.parametrize("name", ["state", "type", "level"])
def test_a_value_that_means_something_unknown_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="added later"):
        decode({**encode(new_job()), name: "added later"})
