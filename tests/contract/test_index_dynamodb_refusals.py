"""DynamoDB when it refuses: throttled, in conflict, out of reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.model.errors import DicomorphError, InternalError, ParameterOutOfRangeError, TransientError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from tests.contract.indexes import entry, intercepted, make_table
from tests.support.jobs import JOB

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEVER = OverwriteInstances.NEVER


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "Operation")


def cancelled(*codes: str) -> ClientError:
    return refusal("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (refusal("ProvisionedThroughputExceededException"), TransientError),
        (refusal("ThrottlingException"), TransientError),
        (refusal("RequestLimitExceeded"), TransientError),
        (refusal("TransactionInProgressException"), TransientError),
        (refusal("InternalServerError", 500), TransientError),
        (refusal("Unheard-of", 503), TransientError),
        (cancelled("None", "ThrottlingError", "ConditionalCheckFailed"), TransientError),
        (EndpointConnectionError(endpoint_url="https://dynamodb"), TransientError),
        (refusal("ValidationException"), ParameterOutOfRangeError),
        (cancelled("None", "ValidationError"), ParameterOutOfRangeError),
        (refusal("AccessDeniedException"), InternalError),
        (refusal("ResourceNotFoundException"), InternalError),
        (ParamValidationError(report="a value"), InternalError),
    ],
    ids=str,
)
def test_failures_are_told_in_our_words(
    dynamodb: DynamoDBClient, failure: Exception, meaning: type[DicomorphError]
) -> None:
    def fail(_: str, __: Callable[[], Any]) -> Any:
        raise failure

    index = dynamo_index(intercepted(dynamodb, fail), "index", concurrency=1)
    calls: list[Callable[[], object]] = [
        lambda: index.catalogue.get(Level.STUDY, "0t"),
        lambda: list(index.catalogue.find_many(["0t"])),
        lambda: index.catalogue.children(Level.STUDY, "0t"),
        lambda: index.ingest.add([entry()], overwrite=NEVER),
        lambda: index.annotations.set_labels(Level.STUDY, "0t", add=frozenset({"a"}), remove=frozenset()),
        lambda: index.properties.next_number("Anonymized"),
        lambda: DynamoJobRecords(intercepted(dynamodb, fail), "index").create(JOB),
    ]
    for call in calls:
        with pytest.raises(meaning) as caught:
            call()
        assert "a value" not in caught.value.details


def test_a_write_that_meets_a_transaction_is_repeated(dynamodb: DynamoDBClient) -> None:
    refusals = iter([refusal("TransactionConflictException")] * 3)

    def conflict(name: str, call: Callable[[], Any]) -> Any:
        if name in ("put_item", "update_item") and (failure := next(refusals, None)):
            raise failure
        return call()

    index = dynamo_index(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    index.ingest.add([entry()], overwrite=NEVER)
    assert index.catalogue.children(Level.SERIES, "0s") == ["0i"]


def test_a_transaction_that_meets_another_is_repeated(dynamodb: DynamoDBClient) -> None:
    refusals = iter([cancelled("TransactionConflict", "None")] * 3)

    def conflict(name: str, call: Callable[[], Any]) -> Any:
        if name == "transact_write_items" and (failure := next(refusals, None)):
            raise failure
        return call()

    index = dynamo_index(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    index.ingest.add([entry()], overwrite=NEVER)
    assert index.eraser.remove(Level.SERIES, "0s").objects == [entry().object]


def test_a_crowd_that_never_ends_is_told_to_come_back(
    dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.aws.dynamodb.table._LONGEST_PAUSE", 0)

    def conflict(name: str, call: Callable[[], Any]) -> Any:
        if name == "transact_write_items":
            raise cancelled("TransactionConflict")
        return call()

    index = dynamo_index(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    with pytest.raises(TransientError):
        index.ingest.add([entry()], overwrite=NEVER)
    assert list(index.catalogue.find_many(["0i"])) == []


def test_a_batch_read_is_done_when_nothing_is_left_unprocessed(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)

    class Stingy:
        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

        def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - botocore's name
            ((_, request),) = RequestItems.items()
            first, rest = request["Keys"][:1], request["Keys"][1:]
            answer: Any = dynamodb.batch_get_item(RequestItems={table: request | {"Keys": first}})
            return answer | {"UnprocessedKeys": {table: request | {"Keys": rest}} if rest else {}}

    stingy: Any = Stingy()
    index = dynamo_index(stingy, table, concurrency=1)
    index.ingest.add([entry(), entry("1i"), entry("2i")], overwrite=NEVER)
    assert index.catalogue.children(Level.SERIES, "0s") == ["0i", "1i", "2i"]
