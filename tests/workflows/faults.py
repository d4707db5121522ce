"""Jobs of every kind, what goes wrong amid them, and what must be true afterwards."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import StorageFullError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.edit_batch import edit_batch
from dicomorph.services.finalize_job import finalize_job
from dicomorph.services.plan_job import plan_job
from dicomorph.services.submit_merge import submit_merge
from dicomorph.services.submit_modification import submit_bulk_modification
from dicomorph.services.submit_split import submit_split
from tests.contract.indexes import assert_hierarchy_is_true
from tests.workflows.embedded import CALLER, Server

# ------------------------------------------------------------------ jobs

Uploads = list[dict[str, Any]]


@dataclass(frozen=True)
class Scenario:
    """A kind of job on two series of a study (two instances, and one), and an instance of another study.

    Parameters
    ----------
    submit : Callable[[Server, Uploads], Job]
        Asks for it.
    products : int
        How many it makes.
    sources : int
        How many of the four uploads are still there in the end, as they were.
    """

    submit: Callable[[Server, Uploads], Job]
    products: int
    sources: int
    overwrite: OverwriteInstances = OverwriteInstances.NEVER


def _study(**body: Any) -> Callable[[Server, Uploads], Job]:
    return lambda server, stored: server.submit(stored[0]["ParentStudy"], body=body)


def _anonymize(server: Server, stored: Uploads) -> Job:
    return server.submit(stored[0]["ParentStudy"], anonymize=True)


def _bulk(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Resources": [stored[0]["ParentSeries"], stored[3]["ID"]], "KeepSource": False}
    return submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER)


def _split(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Series": [stored[0]["ParentSeries"]]}
    return submit_split(server.backend, body, study_id=stored[0]["ParentStudy"], caller=CALLER)


def _split_twice(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {
        "Instances": [stored[0]["ID"], stored[1]["ID"], stored[0]["ID"]],
        "KeepSource": True,
    }
    return submit_split(server.backend, body, study_id=stored[0]["ParentStudy"], caller=CALLER)


def _merge(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Resources": [stored[0]["ParentStudy"]]}
    return submit_merge(server.backend, body, study_id=stored[3]["ParentStudy"], caller=CALLER)


SCENARIOS = {
    "keeping": Scenario(_anonymize, products=3, sources=4),
    "replacing": Scenario(_study(KeepSource=False), products=3, sources=1),
    "in-place": Scenario(
        _study(
            Keep=["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
            Force=True,
            Replace={"StudyDescription": "New"},
        ),
        products=3,
        sources=1,
        overwrite=OverwriteInstances.ALWAYS,
    ),
    "bulk": Scenario(_bulk, products=3, sources=1),
    "split": Scenario(_split, products=2, sources=2),
    "split-twice": Scenario(_split_twice, products=3, sources=4),
    "merge": Scenario(_merge, products=3, sources=1),
}


def upload(server: Server, patient: str = "PAT") -> Uploads:
    """Store what the scenarios work on."""
    return [
        server.upload(number, study=study, series=series, patient=patient)
        for study, series, number in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1))
    ]


def work(server: Server, job: Job) -> None:
    """Run the steps as a workflow does that begins again."""
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id)


def assert_settled(server: Server, job: Job, scenario: Scenario, stored: Mapping[str, str]) -> None:
    """Check that a job succeeded, that every product is there once, and every source that stays.

    Parameters
    ----------
    stored : Mapping[str, str]
        The keys of the objects of the uploads, by instance.
    """
    done = server.job(job.id)
    assert (done.state, done.error_code) == (JobState.SUCCESS, 0), done
    assert (done.content["InstancesCount"], done.content["FailedInstancesCount"]) == (scenario.products, 0)
    pins = server.pins()
    assert len(pins) == scenario.products + scenario.sources
    keys = {pin.object.key for pin in pins}
    assert len(keys & set(stored.values())) == scenario.sources
    assert len(server.backend.index.ids(Level.INSTANCE)) == len(pins)
    for pin in pins:
        server.read(pin)
    # A crash may leave a file that nothing refers to, never the reverse.
    assert keys <= set(server.files())
    assert_hierarchy_is_true(server.backend.index)


def keys_of(server: Server) -> dict[str, str]:
    """Return where each instance is stored."""
    return {pin.ancestry.instance: pin.object.key for pin in server.pins()}


# ------------------------------------------------------------------ crashes


class CrashError(BaseException):
    """The process is gone; nobody may catch it."""


@dataclass
class Fuse:
    """Ends the process before one of its writes. A crash after a write is one before the next."""

    burns_at: int = 0
    writes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self) -> None:
        """Count a write that is about to happen."""
        with self.lock:
            self.writes += 1
            if self.writes == self.burns_at:
                raise CrashError

    def wrap(self, server: Server) -> Server:
        """Return a server whose ports go through the fuse."""
        backend = server.backend
        ports: Any = {name: _Fused(getattr(backend, name), self) for name in ("objects", "index", "jobs")}
        targets: Any = {
            name: replace(target, store=_Fused(target.store, self))
            for name, target in backend.targets.items()
        }
        return Server(replace(backend, targets=targets, **ports))


@dataclass
class FullDisk(Fuse):
    """Has no space for one of the writes, and some more after it."""

    refused: int = 1

    def write(self) -> None:
        """Count a write, and refuse it if there is no space for it."""
        with self.lock:
            self.writes += 1
            if self.burns_at <= self.writes < self.burns_at + self.refused:
                raise StorageFullError


_WRITES = frozenset(
    {
        "create",
        "put",
        "put_edited",
        "put_script",
        "remove",
        "discard",
        "release",
        "add",
        "remove_instances",
        "refresh",
        "update",
        "delete",
    }
)


class _Fused:
    def __init__(self, port: Any, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _WRITES:
            return found

        def write(*args: Any, **options: Any) -> Any:
            self._fuse.write()
            return found(*args, **options)

        return write


# ------------------------------------------------------------------ faults of AWS's clients

_AWS_WRITES = frozenset(
    {
        "CompleteMultipartUpload",
        "DeleteItem",
        "DeleteObjects",
        "PutItem",
        "PutObject",
        "TransactWriteItems",
        "UpdateItem",
    }
)


def burn(fuse: Fuse, *clients: Any) -> None:
    """Let the writing calls of clients go through a fuse."""

    def before_call(model: Any, **_: Any) -> None:
        if model.name in _AWS_WRITES:
            fuse.write()

    for client in clients:
        client.meta.events.register_first("before-call", before_call)


_REFUSALS = {
    "s3": (503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"),
    "dynamodb": (400, '{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}'),
    "lambda": (429, '{"Type": "User", "Reason": "ConcurrentInvocationLimitExceeded"}'),
}
_HEADERS = {"x-amzn-requestid": "refused", "x-amzn-errortype": "TooManyRequestsException"}


@dataclass
class Throttle:
    """Refuses a part of all calls of clients that are made from now on, as a throttled service does.

    Parameters
    ----------
    rate : float
        The probability that a call is refused; 0 for none.
    """

    rate: float = 0.0
    seed: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a test that can be repeated
        self._lock = threading.Lock()

    def before_send(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        """Answer in place of the service, or let it answer."""
        service = event_name.split(".")[1]
        with self._lock:
            if service not in _REFUSALS or self._random.random() >= self.rate:
                return None
            self.refused[service] = self.refused.get(service, 0) + 1
        status, body = _REFUSALS[service]
        url = request.url
        request.url = "https://nobody.invalid/"  # all handlers are asked: the service must not hear of it
        return AWSResponse(url, status, _HEADERS, MockRawResponse(body))  # type: ignore[arg-type]


@contextmanager
def throttled(patch: pytest.MonkeyPatch, *, seed: int = 0) -> Iterator[Throttle]:
    """Put a throttle before all clients that are made within; it starts open, and nobody waits."""
    throttle = Throttle(seed=seed)
    handler = ("before-send", throttle.before_send)
    BUILTIN_HANDLERS.insert(0, handler)
    patch.setattr("boto3.DEFAULT_SESSION", None)
    # Only botocore's name: the module is everybody's, and those who poll would never let go.
    patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    try:
        yield throttle
    finally:
        BUILTIN_HANDLERS.remove(handler)
