"""Nothing that tells whose images they are leaves the stores: not by logs, not by Step Functions."""

from __future__ import annotations

import io
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda.models import LambdaFunction

from dicomorph import bootstrap
from dicomorph.http.observability import get_logger
from dicomorph.http.routes import ROUTES
from dicomorph.jobs.model import JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.resources import LEVELS, Level
from tests.support.api_client import Answer, Client, make_dicom
from tests.workflows.stack import Stack, deployed

PATIENT_ID = "PLANTED-ID"
PATIENT_NAME = "PLANTED^NAME"
STUDY_UID = "1.2.826.0.1.3680043.10.424242"
PLANTED = [PATIENT_ID, PATIENT_NAME, STUDY_UID]


@dataclass
class Heard:
    """What others than the stores came to know."""

    lines: list[str] = field(default_factory=list)
    written: io.StringIO = field(default_factory=io.StringIO)

    def leaks(self, *secrets: str) -> list[str]:
        """Return the lines with one of the secrets in them."""
        return [line for line in self.lines if any(secret in line for secret in (*PLANTED, *secrets))]


class _Listener(logging.Handler):
    """Keeps all that a log record carries."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.INFO)  # Lambda's level; below it, botocore would log requests
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
        self._heard.lines.append(f"{record.getMessage()} {record.__dict__} {trace}")


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Batches of two, and a map for everything that does not fit in one."""
    with deployed(PlannerLimits(batch_instances=2, small_job_instances=2)) as found:
        yield found


@pytest.fixture
def client(stack: Stack, tmp_path: Path) -> Client:
    return Client(stack.backend, tmp_path)


@pytest.fixture
def heard(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Listen to all logs, and to what Step Functions tells functions and hears from them."""
    found = Heard()
    listener = _Listener(found)
    loggers: list[Any] = [logging.getLogger(), get_logger()]  # Powertools' does not propagate
    stream = loggers[1].handlers[0].setStream(found.written)
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(listener)
        logger.setLevel(logging.INFO)
    invoke = LambdaFunction.invoke

    def overheard(function: Any, body: Any, *arguments: Any) -> Any:
        answer = invoke(function, body, *arguments)
        found.lines += [f"{function.function_name} got {body!r}", f"{function.function_name} said {answer!r}"]
        return answer

    monkeypatch.setattr(LambdaFunction, "invoke", overheard)
    yield found
    loggers[1].handlers[0].setStream(stream)
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(listener)
        logger.setLevel(level)


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


def read_executions(heard: Heard) -> list[str]:
    """Add everything that Step Functions keeps to what was heard; return the names of the executions."""
    states: Any = boto3.client("stepfunctions", "eu-central-1")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    names = []
    for execution in states.list_executions(stateMachineArn=machine)["executions"]:
        arn = execution["executionArn"]
        history = states.get_execution_history(executionArn=arn, maxResults=1000, includeExecutionData=True)
        runs = states.list_map_runs(executionArn=arn)["mapRuns"]
        for kept in (states.describe_execution(executionArn=arn), history["events"], runs):
            heard.lines.append(json.dumps(kept, default=str))
        names.append(execution["name"])
    return names


def close(heard: Heard, capture: pytest.CaptureFixture[str]) -> None:
    """Add what was written, by Powertools and by anything else."""
    heard.lines += [*capture.readouterr(), *heard.written.getvalue().splitlines()]


class Broken:
    """A port that fails, quoting a patient.

    Parameters
    ----------
    method, first : str
        Only this method, and only if its first argument contains this; by default everything fails.
    """

    def __init__(self, port: Any, method: str = "", first: str = "") -> None:
        self._port, self._method, self._first = port, method, first

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self._method in ("", name) and self._first in str(arguments[:1]):
                raise ValueError(f"No value for {PATIENT_NAME} of {PATIENT_ID}")
            return method(*arguments, **options)

        return call


class _Idle:
    """Starts no job."""

    def start(self, job_id: str) -> None:
        """Do nothing."""


# Bodies with their queries. The first one is what some routes ask for; no route takes the others.
_REQUESTS: list[tuple[Any, dict[str, str]]] = [
    ({"Replace": {"PatientName": PATIENT_NAME}, "UserData": PATIENT_ID, "Asynchronous": True}, {}),
    ({"Replace": {PATIENT_ID: PATIENT_NAME}}, {"expand": PATIENT_NAME, "since": PATIENT_ID}),
    (f'{{"{PATIENT_NAME}"', {}),
]


class _Caller:
    """Calls all routes, and notes which functions answered how."""

    def __init__(self, client: Client, ids: dict[Level, str]) -> None:
        self._client = client
        self._ids = {level.path: ids[level] for level in LEVELS}
        self.answered: set[tuple[str, int]] = set()

    def call_all(self, *requests: tuple[Any, dict[str, str]], resource: str = "") -> None:
        """Call each route but the deletion of what the others need; one resource may stand for all."""
        for (path, methods), (body, query) in product(ROUTES.items(), requests):
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
    bootstrap.use_backend(replace(stack.backend, runner=_Idle()))
    ids, others = upload(client), upload(client, patient=f"{PATIENT_ID}-2")
    caller = _Caller(client, ids)
    caller.call_all(*_REQUESTS[:2])
    caller.call_all(_REQUESTS[2], resource=PATIENT_ID)
    caller.note("unmatched", client.get(f"/{PATIENT_ID}//{STUDY_UID}"))
    caller.note("unmatched", client.call("PATCH", f"/studies/{ids[Level.STUDY]}"))
    caller.note("instances", client.delete(f"/patients/{others[Level.PATIENT]}"))
    bootstrap.use_backend(
        replace(
            stack.backend,
            objects=Broken(stack.backend.objects),
            index=Broken(stack.backend.index),
            jobs=Broken(stack.backend.jobs),
        )
    )
    caller.call_all(_REQUESTS[0], resource=PATIENT_ID)
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
    assert len(sent) == 2 + 3 + 1 + 2
    for body in sent:
        event = json.loads(body.strip("b'"))
        assert event.pop("job") in jobs
        assert all(isinstance(value, int) for value in event.values())


@pytest.mark.parametrize(
    ("port", "broken"),
    [
        ("objects", ("get", "manifest.json")),  # PlanJob
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
    failing: Any = {port: Broken(getattr(stack.backend, port), *broken)}
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
    [pin] = stack.backend.index.pins(Level.INSTANCE, ids[Level.INSTANCE])
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
        logging.getLogger("dicomorph.services.edit_batch").info("Batch of %s", study)
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
