"""The index over one DynamoDB table: an adapter for each role (keys: `aws.dynamodb.keys`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.annotations import DynamoAnnotations
from dicomorph.aws.index.catalogue import DynamoCatalogue
from dicomorph.aws.index.eraser import DynamoEraser
from dicomorph.aws.index.ingest import DynamoIngest
from dicomorph.aws.index.outbox import NoOutbox
from dicomorph.aws.index.properties import DynamoServerProperties
from dicomorph.ports.index import Index
from dicomorph.services.backend import utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamo_index(
    client: DynamoDBClient,
    table_name: str,
    *,
    now: Callable[[], datetime] = utc_now,
    concurrency: int = 16,
) -> Index:
    """Return the adapters over one table.

    Parameters
    ----------
    client : DynamoDBClient
        A low-level client that retries throttled calls; its connection pool should hold
        `concurrency` connections.
    table_name : str
        A table with the keys ``PK`` and ``SK`` and the index ``Listing``.
    now : Callable[[], datetime]
        The time in UTC, for LastUpdate.
    concurrency : int
        How many requests one call may have under way at once.
    """
    table = Table(client, table_name, concurrency=concurrency)
    return Index(
        catalogue=DynamoCatalogue(table),
        ingest=DynamoIngest(table, now),
        eraser=DynamoEraser(table, now),
        outbox=NoOutbox(),
        annotations=DynamoAnnotations(table),
        properties=DynamoServerProperties(table),
    )
