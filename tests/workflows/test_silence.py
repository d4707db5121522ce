"""Nothing that tells whose images they are leaves the stores: not by logs, not by Step Functions."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from dicomorph import bootstrap
from dicomorph.http.routes import ROUTES
from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import InternalError
from dicomorph.model.resources import LEVELS, Level
from local.functions import Context, load_module
from tests.support.api_client import Answer, Client, make_dicom
from tests.support.idle_runner import IdleRunner
from tests.support.index_roles import around
from tests.workflows.hearing import (
    PATIENT_ID,
    PATIENT_NAME,
    STUDY_UID,
    Broken,
    Heard,
    close,
    listening,
    read_executions,
)
from tests.workflows.stack import Stack, deployed


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Batches of two, and a map for everything that does not fit in one."""
    with deployed(PlannerLimits(batch_instances=2, small_job_instances=2)) as found:
        yield found


@pytest.fixture
def client(stack: Stack, tmp_path: Path) -> Client:
    return Client(stack.backend, tmp_path)


@pytest.fixture
def heard(stack: Stack) -> Iterator[Heard]:
    """Listen from when the stack is there."""
    with listening() as found:
        yield found


def upload(client: Client, *, patient: str = PATIENT_ID, instances: int = 1) -> dict[Level, str]:
    """Store a series with all that is planted, and return Orthanc's ids of the first instance and above."""
    answers = [
        client.post(
            "/instances",
            make_dicom(patient, instance=n + 1, StudyInstanceUID=STUDY_UID, PatientName=PATIENT_NAME),
        ).json
        for n in range(instances)
    ]
    first = answers[0]
    return {
        Level.INSTANCE: first["ID"],
        **{level: first[f"Parent{level.value}"] for level in LEVELS if level is not Level.INSTANCE},
    }


Request = tuple[Any, dict[str, str]]
"""A body and a query."""

_UNKNOWN_TAG: Request = (
    {"Replace": {PATIENT_ID: PATIENT_NAME}},
    {"expand": PATIENT_NAME, "since": PATIENT_ID},
)
_BROKEN_JSON: Request = (f'{{"{PATIENT_NAME}"', {})


def _accepted(ids: dict[Level, str], others: dict[Level, str]) -> Request:
    """Return what suits all routes that take a body, files apart."""
    body = {
        "Replace": {"PatientName": PATIENT_NAME},
        "Resources": [others[Level.SERIES]],
        "Series": [ids[Level.SERIES]],
        "UserData": PATIENT_ID,
        "Asynchronous": True,
        "Size": 1000,
    }
    return body, {}


class _Caller:
    """Calls all routes, and notes which functions answered how."""

    def __init__(self, client: Client, ids: dict[Level, str]) -> None:
        self._client = client
        self._ids = {level.path: ids[level] for level in LEVELS}
        self.answered: set[tuple[str, int]] = set()

    def call_all(self, *requests: Request, resource: str = "") -> None:
        """Call each route but the deletion of what the others need; one resource may stand for all."""
        routes = sorted(ROUTES.items(), key=lambda route: route[0] == "/tools/bulk-delete")  # that one last
        for (path, methods), (body, query) in product(routes, requests):
            asked = path.replace("{id}", resource or self._ids.get(path.split("/")[1], PATIENT_ID))
            asked = asked.replace("{name}", "1024").replace("{label}", PATIENT_ID)
            for method, function in methods.items():
                if (method, function) != ("DELETE", "instances") or resource:
                    self.note(function, self._client.call(method, asked, body, query=query))

    def note(self, function: str, answer: Answer) -> None:
        self.answered.add((function, answer.status // 100))

    def functions(self, hundred: int) -> set[str]:
        """Return the functions that have given such an answer."""
        return {function for function, status in self.answered if status == hundred}


def test_no_handler_of_the_api_tells(
    stack: Stack, client: Client, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    bootstrap.use_backend(replace(stack.backend, runner=IdleRunner()))
    client.takes_any_argument = True
    ids, others = upload(client), upload(client, patient=f"{PATIENT_ID}-2")
    caller, accepted = _Caller(client, ids), _accepted(ids, others)
    caller.call_all(accepted, _UNKNOWN_TAG)
    caller.call_all(_BROKEN_JSON, resource=PATIENT_ID)
    caller.note("unmatched", client.get(f"/{PATIENT_ID}//{STUDY_UID}"))
    caller.note("unmatched", client.call("PATCH", f"/studies/{ids[Level.STUDY]}"))
    caller.note("instances", client.delete(f"/patients/{others[Level.PATIENT]}"))
    bootstrap.use_backend(
        replace(
            stack.backend,
            objects=Broken(stack.backend.objects),
            index=around(stack.backend.index, Broken),
            jobs=Broken(stack.backend.jobs),
        )
    )
    caller.call_all(accepted, resource=PATIENT_ID)
    close(heard, capfd)
    functions = {function for methods in ROUTES.values() for function in methods.values()}
    assert caller.functions(2) == functions
    assert caller.functions(4) == {*functions, "unmatched"}
    assert caller.functions(5) >= functions - {"instances"}
    assert heard.leaks(*ids.values(), *others.values()) == []
    assert sum("Answered" in line for line in heard.lines) > 4 * len(ROUTES)


def test_a_job_tells_its_id_and_numbers(
    client: Client, stack: Stack, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = upload(client, instances=5)
    study = ids[Level.STUDY]
    products = client.post(f"/studies/{study}/anonymize", {"Keep": ["PatientName"], "Force": True}).json
    small = upload(client, patient=f"{PATIENT_ID}-2")
    client.post(f"/series/{small[Level.SERIES]}/modify", {"Replace": {"PatientName": PATIENT_NAME}})
    jobs = [job.id for job in stack.backend.jobs.all()]
    assert sorted(read_executions(heard)) == sorted(jobs)
    close(heard, capfd)
    assert stack.map_items() == {"succeeded": 3, "failed": 0}
    assert heard.leaks(*ids.values(), *small.values(), products["ID"], products["PatientID"]) == []
    sent = [line.partition(" got ")[2] for line in heard.lines if " got " in line]
    assert len(sent) == 2 + 3 + 1 + 1 + 2  # plans, batches, a look at what is left, the other batch, ends
    for body in sent:
        event = json.loads(body.strip("b'"))
        assert event.pop("job") in jobs
        cursor = event.pop("cursor", {})
        assert cursor.pop("phase", "edit") == "edit"
        assert all(isinstance(value, int) for value in (*event.values(), *cursor.values()))


@pytest.mark.parametrize(
    ("port", "broken"),
    [
        ("objects", ()),  # the list of what is written down, whose keys are ids
        ("objects", ("get",)),
        ("objects", ("discard",)),
        ("index", ()),
    ],
)
def test_deletions_that_are_finished_later_do_not_tell_what_goes(
    client: Client,
    stack: Stack,
    heard: Heard,
    capfd: pytest.CaptureFixture[str],
    port: str,
    broken: tuple[str, ...],
) -> None:
    ids = upload(client, instances=3)
    index, objects = stack.backend.index, stack.backend.objects
    dies = replace(index, eraser=cast("Any", Broken(index.eraser, "remove_instances")))
    bootstrap.use_backend(replace(stack.backend, index=dies))
    assert client.delete(f"/studies/{ids[Level.STUDY]}").status == 500
    later = replace(stack.backend, now=lambda: datetime.now(UTC) + timedelta(minutes=2))
    failing: Any = {"index": dies} if port == "index" else {"objects": Broken(objects, *broken)}
    erase = load_module(Path(__file__).parents[2] / "functions/erase/app.py")
    bootstrap.use_backend(replace(later, **failing))
    with pytest.raises(InternalError, match=r"^$"):
        erase.lambda_handler({"time": "now"}, Context())
    bootstrap.use_backend(later)
    erase.lambda_handler({"time": "now"}, Context())
    close(heard, capfd)
    assert list(stack.backend.objects.keys("erasures/")) == []
    assert heard.leaks(*ids.values()) == []
    assert any("Failed: " in line for line in heard.lines)


@pytest.mark.parametrize(
    ("port", "broken"),
    [
        ("objects", ("get", "/request.json")),  # PlanJob
        ("objects", ("get", "/batches/")),  # EditBatch, and FinalizeJob, which misses its outcome
        ("objects", ("open",)),  # each instance
        ("index", ("add",)),  # the products
        ("index", ("refresh",)),  # FinalizeJob
    ],
)
def test_a_job_that_fails_does_not_quote_an_exception(
    stack: Stack, heard: Heard, capfd: pytest.CaptureFixture[str], port: str, broken: tuple[str, ...]
) -> None:
    ids = upload(Client(stack.backend, Path()), instances=3)
    failing: Any = {port: around(getattr(stack.backend, port), lambda role: Broken(role, *broken))}
    bootstrap.use_backend(replace(stack.backend, **failing))
    job, _ = stack.finish(stack.submit(ids[Level.STUDY]))
    assert job.state is JobState.FAILURE
    read_executions(heard)
    close(heard, capfd)
    assert heard.leaks(*ids.values()) == []
    assert any("ValueError" in line for line in heard.lines)


def test_a_missing_file_does_not_tell_its_name(
    client: Client, stack: Stack, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = upload(client, instances=3)
    [pin] = stack.backend.index.catalogue.pins(Level.INSTANCE, ids[Level.INSTANCE])
    boto3.client("s3").delete_object(Bucket="dicom", Key=pin.object.key, VersionId=str(pin.object.version))
    assert stack.run(ids[Level.STUDY]).state is JobState.FAILURE
    read_executions(heard)
    close(heard, capfd)
    assert heard.leaks(*ids.values()) == []


def test_what_would_tell_is_found(
    client: Client, stack: Stack, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = upload(client, instances=3)
    study = ids[Level.STUDY]

    def tell(event: dict[str, Any]) -> None:
        logging.getLogger("dicomorph.services.work.edit_batch").info("Batch of %s", study)
        sys.stdout.write(PATIENT_NAME)
        raise ValueError(PATIENT_ID, event)

    stack.before = tell
    stack.run(study)
    read_executions(heard)
    close(heard, capfd)
    found = heard.leaks(study)
    assert any("Batch of" in line for line in found)
    assert any("said" in line and PATIENT_ID in line for line in found)
    assert any(PATIENT_NAME in line for line in found)
