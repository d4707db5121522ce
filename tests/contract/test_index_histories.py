"""Both adapters answer the same and hold the same, whatever is done to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from dicomorph.aws.dynamodb import keys
from tests.contract.histories import HISTORIES, SHARDS, Step, everything, resources
from tests.contract.indexes import INDEXES, make_index

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def compare(history: list[Step], folder: Path, client: DynamoDBClient) -> None:
    """Do the same to an empty index of each adapter, a second after the other, and look at all there is."""
    taken: list[Step] = []
    indexes = {
        name: make_index(name, folder, client, now=lambda: NOON + timedelta(seconds=len(taken)))
        for name in INDEXES
    }
    for step in history:
        taken.append(step)
        answers = {name: step.take(index) for name, index in indexes.items()}
        assert answers["dynamodb"] == answers["sqlite"], "the last step is answered differently"
        held = {name: resources(index) for name, index in indexes.items()}
        assert held["dynamodb"] == held["sqlite"], "the last step leaves other resources"
    read = {name: everything(index) for name, index in indexes.items()}
    assert read["dynamodb"] == read["sqlite"], "the same resources are found in other ways"


@given(history=HISTORIES)
def test_histories_end_alike(
    history: list[Step], tmp_path_factory: pytest.TempPathFactory, dynamodb: DynamoDBClient
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SHARDS", SHARDS)
        compare(history, tmp_path_factory.getbasetemp(), dynamodb)
