"""DynamoDB as dynalite implements it: a second opinion on expressions, conditions and limits.

It has no transactions. One is made of single writes here, each with its own condition; where one of them
is refused, all items are put back. That says nothing of two transactions that meet, which is moto's part.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError

MODULES = Path(__file__).parents[2] / ".cache/second/node_modules"

_REFUSED = "ConditionalCheckFailedException"
_RETURNS = "ReturnValuesOnConditionCheckFailure"


class SecondDynamoDb:
    """A client of dynalite that knows transactions, and what a refused write has met.

    Parameters
    ----------
    client : Any
        A low-level client of boto3.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_table(self, **request: Any) -> Any:
        created = self._client.create_table(**request)
        while self._client.describe_table(TableName=request["TableName"])["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.005)
        return created

    def put_item(self, **request: Any) -> Any:
        return self._write(self._client.put_item, request, _key_of(request))

    def update_item(self, **request: Any) -> Any:
        return self._write(self._client.update_item, request, _key_of(request))

    def delete_item(self, **request: Any) -> Any:
        return self._write(self._client.delete_item, request, _key_of(request))

    def transact_write_items(self, TransactItems: list[Any], **_: Any) -> Any:  # noqa: N803 - boto3's name
        """Make all writes, or none."""
        entries = [next(iter(one.items())) for one in TransactItems]
        with self._lock:
            before = [self._found(request["TableName"], _key_of(request)) for _, request in entries]
            reasons = []
            try:
                reasons = [self._tried(kind, request) for kind, request in entries]
            finally:
                kept = bool(reasons) and all(reason["Code"] == "None" for reason in reasons)
                for (kind, request), item in zip(entries, before, strict=True):
                    if not kept or kind == "ConditionCheck":
                        self._put_back(request["TableName"], _key_of(request), item)
        if kept:
            return {}
        error = {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"}
        refused: Any = {"Error": error, "CancellationReasons": reasons}
        raise ClientError(refused, "TransactWriteItems")

    def _tried(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        write = {"Put": self.put_item, "Delete": self.delete_item}.get(kind, self.update_item)
        try:
            write(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            found = error.response.get("Item")
            return {"Code": "ConditionalCheckFailed", **({"Item": found} if found else {})}
        return {"Code": "None"}

    def _write(self, write: Any, request: dict[str, Any], key: dict[str, Any]) -> Any:
        asked = {name: value for name, value in request.items() if name != _RETURNS}
        with self._lock:
            try:
                return write(**asked)
            except ClientError as error:
                if error.response["Error"]["Code"] == _REFUSED and request.get(_RETURNS) == "ALL_OLD":
                    found = self._found(request["TableName"], key)
                    if found is not None:
                        error.response["Item"] = found  # type: ignore[typeddict-unknown-key]
                raise

    def _found(self, table: str, key: dict[str, Any]) -> Any:
        return self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def _put_back(self, table: str, key: dict[str, Any], item: Any) -> None:
        if item is None:
            self._client.delete_item(TableName=table, Key=key)
        else:
            self._client.put_item(TableName=table, Item=item)


def _key_of(request: dict[str, Any]) -> dict[str, Any]:
    given = request.get("Key") or request["Item"]
    return {name: given[name] for name in ("PK", "SK")}


@contextmanager
def second_dynamodb(region: str, config: Any) -> Iterator[Any]:
    """Start dynalite, and give a client of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", str(MODULES / "dynalite/cli.js"), "--host", "127.0.0.1", "--port", str(port)]
    at_once = [f"--{what}TableMs=0" for what in ("create", "delete", "update")]
    with subprocess.Popen([*command, *at_once], stdout=subprocess.DEVNULL) as server:
        client = boto3.client(
            "dynamodb", region_name=region, endpoint_url=f"http://127.0.0.1:{port}", config=config
        )
        try:
            _wait_for(client)
            yield SecondDynamoDb(client)
        finally:
            client.close()
            server.terminate()


def _wait_for(client: Any) -> None:
    for _ in range(100):
        try:
            client.list_tables()
        except EndpointConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("dynalite did not start")
