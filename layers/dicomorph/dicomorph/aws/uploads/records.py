"""The records of uploads in the table of the index (keys: `dicomorph.aws.dynamodb.keys`).

DynamoDB itself deletes a record once its time is over, some days late.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from dicomorph.aws.dynamodb.expressions import ABSENT, Condition, Update
from dicomorph.aws.dynamodb.keys import Item, upload_key
from dicomorph.aws.dynamodb.table import Table, won
from dicomorph.model.uploads import Outcome, Upload, UploadState, decode, encode, encode_outcome

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoUploadRecords:
    """The port `UploadRecords` over a DynamoDB table.

    Parameters
    ----------
    client : DynamoDBClient
        A low-level client that retries throttled calls.
    table_name : str
        The table of the index; its time to live is the attribute ``ForgetAfter``.
    """

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def create(self, upload: Upload) -> None:
        """Write a record."""
        forgotten = datetime.fromisoformat(upload.forgotten)
        item = {
            **upload_key(upload.id),
            "Expires": {"S": upload.expires},
            "Record": _dumped(encode(upload)),
            "Reached": _number(UploadState.PENDING.rank),
            "ForgetAfter": _number(int(forgotten.timestamp())),
        }
        won(lambda: self._table.put(item, ABSENT))

    def get(self, upload_id: str) -> Upload | None:
        """Return a record as last written, None if there is none."""
        item = self._table.get(upload_key(upload_id))
        if item is None:
            return None
        outcome = json.loads(item["Outcome"]["S"]) if "Outcome" in item else None
        return decode(json.loads(item["Record"]["S"]), expires=item["Expires"]["S"], outcome=outcome)

    def settle(self, upload_id: str, outcome: Outcome) -> None:
        """Write what became of an upload, unless it is known to have come as far."""
        reached = _number(outcome.state.rank)
        update = Update(
            Condition("Reached < :reached", {":reached": reached}),
            put={"Reached": reached, "Outcome": _dumped(encode_outcome(outcome))},
        )
        self._update(upload_id, update)

    def prolong(self, upload_id: str, *, expires: str) -> None:
        """Write until when sending may begin, unless that is longer already."""
        later = {"S": expires}
        condition = Condition("Expires < :expires", {":expires": later})
        self._update(upload_id, Update(condition, put={"Expires": later}))

    def delete(self, upload_id: str) -> None:
        """Forget an upload; unknown ids are ignored."""
        self._table.transact([("Delete", {"Key": upload_key(upload_id)})])

    def _update(self, upload_id: str, update: Update) -> None:
        """Change a record where its condition holds, which it does of none that is gone."""
        won(lambda: self._table.update(upload_key(upload_id), update))


def _number(value: int) -> Item:
    return {"N": str(value)}


def _dumped(document: object) -> Item:
    return {"S": json.dumps(document, separators=(",", ":"))}
