"""What is refused before there is a job, and leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.model.errors import (
    BadRequestError,
    DicomorphError,
    TransientError,
    UnknownResourceError,
)
from dicomorph.model.resources import Level
from tests.support.idle_runner import AwayRunner
from tests.support.jobs import IN_PLACE, counts
from tests.workflows.embedded import Server


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"KeepLabels": 1}, 15),
        ({"KeepSource": "no"}, 15),
        ({"Transcode": None}, 15),
        ({"Transcode": "1.2.3"}, 15),
        ({"Synchronous": "yes"}, 15),
        ({"Asynchronous": 1}, 15),
        ({"Priority": 1.5}, 15),
        ({"Priority": True}, 15),
        ({"Permissive": 0}, 15),
        ({"Remove": "PatientName", "KeepSource": 1}, 8),
        ({"KeepSource": 1, "Transcode": 1, "Priority": "x"}, 15),
    ],
)
def test_a_bad_option_leaves_nothing(server: Server, body: dict[str, Any], code: int) -> None:
    study = server.upload()["ParentStudy"]
    with pytest.raises(DicomorphError) as caught:
        server.submit(study, body=body)
    assert caught.value.code == code
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []


def test_unknown_resources_are_found_after_the_options_and_before_priority(server: Server) -> None:
    with pytest.raises(UnknownResourceError):
        server.submit("nope", body={"Priority": "x"})


@pytest.mark.parametrize("anonymize", [False, True])
def test_a_refused_request_draws_no_name(server: Server, anonymize: bool) -> None:  # noqa: FBT001
    study = server.upload()["ParentStudy"]
    with pytest.raises(BadRequestError):
        server.submit(study, body={"Priority": "x"}, anonymize=anonymize)
    server.run(study, anonymize=True)
    assert "Anonymized1" in {str(server.read(pin).PatientName) for pin in server.pins()}


def test_editing_in_place_needs_overwriting_above_series(server: Server, overwriting: Server) -> None:
    answer = server.upload()
    for level, anonymize in ((Level.STUDY, False), (Level.PATIENT, False), (Level.SERIES, True)):
        with pytest.raises(BadRequestError):
            server.submit(answer["ParentStudy"], body=IN_PLACE, level=level, anonymize=anonymize)
    assert server.backend.jobs.all() == []
    overwriting.upload()
    assert counts(overwriting.run(answer["ParentStudy"], body=IN_PLACE)) == (1, 0)


@pytest.mark.parametrize("level", [Level.SERIES, Level.STUDY, Level.PATIENT])
def test_editing_in_place_never_deletes_sources(overwriting: Server, level: Level) -> None:
    study = overwriting.upload()["ParentStudy"]
    with pytest.raises(BadRequestError):
        overwriting.submit(study, body={**IN_PLACE, "KeepSource": False}, level=level)


def test_a_job_that_cannot_be_started_is_forgotten(server: Server) -> None:
    study = server.upload()["ParentStudy"]
    with pytest.raises(TransientError):
        Server(replace(server.backend, runner=AwayRunner())).submit(study)
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []
