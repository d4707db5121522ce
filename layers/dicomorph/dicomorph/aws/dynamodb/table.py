"""One DynamoDB table: every call that the adapters make, with errors translated."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from dicomorph.aws.dynamodb.errors import ContendedError, translated
from dicomorph.aws.dynamodb.expressions import Condition, Update
from dicomorph.aws.dynamodb.keys import Item
from dicomorph.model.errors import ConflictError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_Argument = TypeVar("_Argument")
_Answer = TypeVar("_Answer")

_READ_AT_ONCE = 100  # BatchGetItem
_ATTEMPTS = 40
_LONGEST_PAUSE = 0.2  # seconds
_CONTENDED = "Too many others write to the same resources"


class Table:
    """A table with the keys ``PK`` and ``SK``. Every read is strongly consistent, listings apart.

    Parameters
    ----------
    client : DynamoDBClient
        A low-level client; its connection pool should hold `concurrency` connections.
    name : str
        Of the table.
    concurrency : int
        How many calls may be under way at once for one call of an adapter.
    """

    def __init__(self, client: DynamoDBClient, name: str, *, concurrency: int = 16) -> None:
        self._client = client
        self._name = name
        self._concurrency = concurrency
        self._pool = ThreadPoolExecutor(concurrency, "dynamodb")  # whose threads come when they are needed

    def get(self, key: Item) -> Item | None:
        """Read one item."""
        with translated():
            answer = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def get_many(
        self, keys: Iterable[Item], *, attributes: str = "", names: Mapping[str, str] | None = None
    ) -> list[Item]:
        """Read items, in any order; those that do not exist are left out.

        Parameters
        ----------
        attributes : str
            A projection, such as ``"PK, #index"``; empty for whole items.
        names : Mapping[str, str], optional
            Of attributes, by what stands for them in the projection.
        """
        projection: Item = {"ProjectionExpression": attributes} if attributes else {}
        if names:
            projection["ExpressionAttributeNames"] = dict(names)
        distinct = list({(key["PK"]["S"], key["SK"]["S"]): key for key in keys}.values())
        chunks = [distinct[at : at + _READ_AT_ONCE] for at in range(0, len(distinct), _READ_AT_ONCE)]
        answers = self.each(lambda chunk: self._get_chunk(chunk, projection), chunks)
        return [item for items in answers for item in items]

    def put(self, item: Item, condition: Condition | None = None) -> None:
        """Write an item whole; `ConditionLostError` has what was found instead."""
        arguments = {"Item": item, **(condition.arguments if condition else {})}
        self._write(self._client.put_item, arguments, returns=condition is not None)

    def update(self, key: Item, update: Update) -> Item:
        """Change attributes of an item; return it as it is now."""
        arguments = {"Key": key, **update.arguments, "ReturnValues": "ALL_NEW"}
        answer = self._write(self._client.update_item, arguments, returns=True)
        changed: Item = answer["Attributes"]
        return changed

    def increase(self, key: Item) -> int:
        """Add one to the attribute ``Number`` of an item and return it; the first is 1."""
        arguments = {
            "Key": key,
            "UpdateExpression": "ADD #number :one",
            "ExpressionAttributeNames": {"#number": "Number"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "UPDATED_NEW",
        }
        return int(
            self._write(self._client.update_item, arguments, returns=False)["Attributes"]["Number"]["N"]
        )

    def transact(self, actions: Sequence[tuple[str, Item]]) -> None:
        """Make up to 100 writes, all or none.

        Parameters
        ----------
        actions : Sequence[tuple[str, Item]]
            ``Put``, ``Update``, ``Delete`` or ``ConditionCheck``, and its arguments.
        """
        items: list[Any] = [{kind: {"TableName": self._name, **arguments}} for kind, arguments in actions]
        with translated():
            self._client.transact_write_items(TransactItems=items)

    def query(self, partition: str, *, first: int = 0, index: str = "") -> Iterator[Item]:
        """Yield the items of a partition in order of their sort keys.

        Parameters
        ----------
        first : int
            End after so many; 0 for all.
        index : str
            The secondary index to read, whose partition key has the same name. It lags.
        """
        given = 0
        for answer in self._pages(partition, index, {"Limit": first} if first else {}):
            for item in answer["Items"]:
                yield item
                given += 1
                if given == first:
                    return

    def count(self, partition: str, *, index: str) -> int:
        """Count the items in a partition of a secondary index. It lags."""
        return sum(answer["Count"] for answer in self._pages(partition, index, {"Select": "COUNT"}))

    def _pages(self, partition: str, index: str, options: Item) -> Iterator[dict[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "#key = :partition",
            "ExpressionAttributeNames": {"#key": index or "PK"},
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            **({"IndexName": index} if index else {"ConsistentRead": True}),
            **options,
        }
        while True:
            with translated():
                answer: dict[str, Any] = dict(self._client.query(**request))
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def each(self, function: Callable[[_Argument], _Answer], arguments: Sequence[_Argument]) -> list[_Answer]:
        """Call a function with each argument, several at a time; never from within itself."""
        if self._concurrency == 1 or len(arguments) <= 1:
            return [function(argument) for argument in arguments]
        return list(self._pool.map(function, arguments))

    def _write(self, operation: Callable[..., Any], arguments: Item, *, returns: bool) -> dict[str, Any]:
        if returns:
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        for _ in attempts():
            with suppress(ContendedError), translated():
                answer: dict[str, Any] = operation(TableName=self._name, **arguments)
                break
        return answer

    def _get_chunk(self, keys: list[Item], projection: Item) -> list[Item]:
        found: list[Item] = []
        for _ in attempts():
            wanted: Any = {self._name: {"Keys": keys, "ConsistentRead": True, **projection}}
            with translated():
                answer = self._client.batch_get_item(RequestItems=wanted)
            found += answer["Responses"].get(self._name, [])
            left: Any = answer.get("UnprocessedKeys", {}).get(self._name)
            if not left:
                break
            keys = left["Keys"]
        return found


def attempts() -> Iterator[int]:
    """Count attempts from 0, with a growing random pause before each but the first.

    Raises
    ------
    TransientError
        When there have been enough.
    """
    for number in range(_ATTEMPTS):
        if number:
            pause = min(_LONGEST_PAUSE, 0.002 * 2.0**number)
            time.sleep(random.uniform(0, pause))  # noqa: S311 - spreads rivals, hides nothing
        yield number
    raise TransientError(_CONTENDED)


def won(write: Callable[[], object]) -> bool:
    """Tell whether a conditional write went through."""
    try:
        write()
    except ConflictError:
        return False
    return True
