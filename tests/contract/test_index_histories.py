"""Both adapters answer the same and hold the same, whatever is done to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from dicomorph.aws.dynamodb import keys
from tests.contract.histories import HISTORIES, SHARDS, Step, everything, resources
from tests.contract.indexes import INDEXES, make_index

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def compare(history: list[Step], folder: Path, client: DynamoDBClient) -> None:
    """Do the same to an empty index of each adapter, one step a second, and look at all there is."""
    taken: list[Step] = []
    indexes = {
        name: make_index(name, folder, client, now=lambda: NOON + timedelta(seconds=len(taken)))
        for name in INDEXES
    }
    for step in history:
        taken.append(step)
        answers = {name: step.take(index) for name, index in indexes.items()}
        assert answers["dynamodb"] == answers["sqlite"], f"step {len(taken)} is answered differently"
        held = {name: resources(index) for name, index in indexes.items()}
        assert held["dynamodb"] == held["sqlite"], f"step {len(taken)} leaves other resources"
    read = {name: everything(index) for name, index in indexes.items()}
    assert read["dynamodb"] == read["sqlite"], "the same resources are found in other ways"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories")


@pytest.fixture(scope="module", autouse=True)
def _few_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SHARDS", SHARDS)
        yield


@pytest.mark.timeout(600)  # a disagreement takes a while to be told in few steps
@settings(max_examples=15)
@given(history=HISTORIES)
def test_histories_end_alike(history: list[Step], place: Path, dynamodb: DynamoDBClient) -> None:
    compare(history, place, dynamodb)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=500)
@given(history=HISTORIES)
def test_many_histories_end_alike(history: list[Step], place: Path, dynamodb: DynamoDBClient) -> None:
    compare(history, place, dynamodb)
