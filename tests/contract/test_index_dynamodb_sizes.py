"""What exceeds an item of DynamoDB, of 400 KB."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.jobs.model import JobState
from dicomorph.model.errors import BadFileFormatError, ConflictError, ParameterOutOfRangeError
from dicomorph.model.resources import LEVELS, Level, LevelFacts
from dicomorph.model.settings import OverwriteInstances
from tests.contract.indexes import entry, items, make_table
from tests.support.jobs import JOB

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEVER = OverwriteInstances.NEVER


def noise(length: int) -> str:
    return random.Random(1).randbytes(length).hex()  # noqa: S311 - what cannot be compressed


def test_sequences_that_exceed_an_item_are_left_out(dynamodb: DynamoDBClient) -> None:
    index = dynamo_index(dynamodb, make_table(dynamodb), concurrency=1)
    facts = {Level.SERIES: {"MainDicomSequences": noise(400_000), "RemoteAET": "x"}}
    index.ingest.add([entry(metadata=facts)], overwrite=NEVER)
    series = index.catalogue.get(Level.SERIES, "0s")
    assert series is not None
    assert "MainDicomSequences" not in series.metadata
    assert series.metadata["RemoteAET"].value == "x"


def test_main_tags_that_exceed_an_item_are_refused(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    index = dynamo_index(dynamodb, table, concurrency=1)
    with pytest.raises(BadFileFormatError):
        index.ingest.add([entry(tags=noise(400_000))], overwrite=NEVER)
    assert items(dynamodb, table) == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("where", ["main tags", "metadata", "labels"])
def test_what_exceeds_an_item_at_any_level_is_refused_before_anything_is_written(
    dynamodb: DynamoDBClient, level: Level, where: str
) -> None:
    """In the characters that take most bytes, of which the fewest are too many."""
    table = make_table(dynamodb)
    index = dynamo_index(dynamodb, table, concurrency=1)
    random_one = random.Random(1)  # noqa: S311 - what cannot be compressed
    text = "".join(chr(random_one.randrange(0x10000, 0x110000)) for _ in range(140_000))
    one = entry()
    if where == "main tags":
        one = replace(one, facts={**one.facts, level: LevelFacts({"0010,0010": text})})
    elif where == "metadata":
        one = entry(metadata={level: {"My": text}})
    else:
        one = entry(labels={level: frozenset(f"{number:0500}" for number in range(1000))})
    with pytest.raises(BadFileFormatError):
        index.ingest.add([one], overwrite=NEVER)
    assert items(dynamodb, table) == []


def test_metadata_that_exceed_an_item_are_refused(dynamodb: DynamoDBClient) -> None:
    index = dynamo_index(dynamodb, make_table(dynamodb), concurrency=1)
    index.ingest.add([entry()], overwrite=NEVER)
    with pytest.raises(ParameterOutOfRangeError):
        index.annotations.set_metadata(Level.STUDY, "0t", "My", noise(450_000), expected=None)


def test_a_record_larger_than_an_item_is_kept_in_pieces(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    records = DynamoJobRecords(dynamodb, table)
    large = replace(JOB, user_data=noise(700_000))
    records.create(large)
    assert records.get(JOB.id) == large
    small = replace(large, user_data=None, state=JobState.SUCCESS)
    updated = records.update(small)
    assert records.get(JOB.id) == updated == replace(small, revision=1)
    with pytest.raises(ConflictError):
        records.update(small)
    records.delete(JOB.id)
    assert items(dynamodb, table) == []
