"""Products with more to tell than an item of DynamoDB holds: each fails for itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dicomorph.aws.index import items
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.embedded import Server
from tests.workflows.five_instances import SOURCES, check_files

REFUSED = (JobState.FAILURE, BadFileFormatError.code)
LIMIT = 3_000
"""Bytes of an item, in place of DynamoDB's: what is stored before is within the real limit."""


def noise(length: int) -> str:
    return random.Random(1).randbytes(length).hex()  # noqa: S311 - what cannot be compressed


@pytest.fixture(scope="module")
def cloud() -> Iterator[Server]:
    with aws_server(overwrite_instances=OverwriteInstances.ALWAYS) as (server, _):
        yield server


def study(server: Server, **odd: Any) -> tuple[str, str]:
    """Store five instances, of which the third one has more to tell; return the study, and that instance."""
    clear()
    stored = [server.upload(number, **(odd if number == 3 else {})) for number in range(1, SOURCES + 1)]
    return stored[0]["ParentStudy"], stored[2]["ID"]


def _comments(server: Server) -> tuple[str, str]:
    return study(server, ImageComments=noise(LIMIT))


def _labels(server: Server) -> tuple[str, str]:
    source, odd = study(server)
    labels = frozenset(f"{number:064}" for number in range(100))
    server.backend.index.annotations.set_labels(Level.INSTANCE, odd, add=labels, remove=frozenset())
    return source, odd


def _metadata(server: Server) -> tuple[str, str]:
    source, odd = study(server)
    annotations = server.backend.index.annotations
    annotations.set_metadata(Level.INSTANCE, odd, "1024", noise(LIMIT), expected=None)
    return source, odd


KINDS: dict[str, tuple[Callable[[Server], tuple[str, str]], dict[str, Any]]] = {
    "main tags, where sources would go": (_comments, {"KeepSource": False}),
    "labels": (_labels, {"KeepLabels": True}),
    "metadata of what is edited in place": (_metadata, IN_PLACE),
}


def run(server: Server, monkeypatch: pytest.MonkeyPatch, source: str, **body: Any) -> Job:
    with monkeypatch.context() as patch:
        patch.setattr(items, "ITEM_LIMIT", LIMIT)
        return server.run(source, body=body)


@pytest.mark.parametrize("kind", KINDS)
def test_an_oversized_product_fails_alone(cloud: Server, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    store, body = KINDS[kind]
    source, odd = store(cloud)
    done = run(cloud, monkeypatch, source, **body)
    assert (outcome(done), counts(done)) == (REFUSED, (SOURCES, 1))
    failures: Any = done.content["FailedInstances"]
    assert [one["ID"] for one in failures] == [odd]
    is_in_place = body is IN_PLACE
    assert len(cloud.pins()) == SOURCES + (0 if is_in_place else SOURCES - 1)
    check_files(cloud)


def test_where_all_are_oversized_all_fail(cloud: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = study(cloud)
    done = run(cloud, monkeypatch, source, Permissive=True, Replace={"ImageComments": noise(LIMIT)})
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, SOURCES))
    assert len(cloud.pins()) == SOURCES
    check_files(cloud)
