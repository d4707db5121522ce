"""What only the DynamoDB index has to fear: lag, throttling, large items."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from dicomorph.index.base import Removal, StoreStatus
from dicomorph.index.dynamodb import DynamoIndex
from dicomorph.jobs.dynamodb import DynamoJobRecords
from dicomorph.jobs.model import Job, JobState, JobType
from dicomorph.model.errors import (
    BadFileFormatError,
    ConflictError,
    DicomorphError,
    InternalError,
    ParameterOutOfRangeError,
    TransientError,
)
from dicomorph.model.resources import Level, LevelFacts
from dicomorph.model.settings import OverwriteInstances
from tests.contract.indexes import entry, intercepted, items, make_table, pin

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEVER, ALWAYS = OverwriteInstances.NEVER, OverwriteInstances.ALWAYS


def with_stale_listing(client: DynamoDBClient) -> DynamoDBClient:
    """Return a client whose secondary indexes have not seen a single write yet."""

    class Stale:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def query(self, **arguments: Any) -> Any:
            return {"Items": [], "Count": 0} if "IndexName" in arguments else client.query(**arguments)

    stale: Any = Stale()
    result: DynamoDBClient = stale
    return result


def test_nothing_that_decides_reads_a_secondary_index(dynamodb: DynamoDBClient) -> None:
    index = DynamoIndex(with_stale_listing(dynamodb), make_table(dynamodb), concurrency=1)
    one, two, three = entry(), entry("1i"), entry("2i", series="1s")
    index.add([one, two, three], overwrite=NEVER)
    assert index.ids(Level.INSTANCE) == []  # it lags indeed
    assert index.statistics().instances == 0

    assert index.add([entry(version="2")], overwrite=NEVER)[0].status is StoreStatus.ALREADY_STORED
    assert index.add([entry(version="3")], overwrite=ALWAYS)[0].superseded == one.object
    found = index.find("1s")
    assert found is not None
    assert found.parent == "0t"
    assert index.children(Level.STUDY, "0t") == ["0s", "1s"]
    assert [each.ancestry.instance for each in index.pins(Level.PATIENT, "0p")] == ["0i", "1i", "2i"]
    index.remove_instances([pin(one), pin(two)])
    assert index.children(Level.SERIES, "0s") == ["0i"]
    assert index.remove(Level.SERIES, "1s") == Removal((Level.STUDY, "0t"), [three.object])
    assert index.remove(Level.INSTANCE, "0i").remaining is None
    assert index.find("0p") is None


def test_a_series_that_somebody_else_creates_first_is_not_created_again_and_again(
    dynamodb: DynamoDBClient,
) -> None:
    table = make_table(dynamodb)
    rival = DynamoIndex(dynamodb, table, concurrency=1)
    transactions = 0

    def race(name: str, call: Callable[[], Any]) -> Any:
        nonlocal transactions
        if name == "transact_write_items":
            transactions += 1
            if transactions == 1:
                rival.add([entry("fi")], overwrite=NEVER)
        return call()

    index = DynamoIndex(intercepted(dynamodb, race), table, concurrency=1)
    outcomes = index.add([entry(f"{number}i") for number in range(10)], overwrite=NEVER)
    assert [outcome.status for outcome in outcomes] == [StoreStatus.SUCCESS] * 10
    assert len(index.children(Level.SERIES, "0s")) == 11
    assert transactions == 1


def test_no_call_scans_the_table(dynamodb: DynamoDBClient) -> None:
    called: set[str] = set()

    def note(name: str, call: Callable[[], Any]) -> Any:
        called.add(name)
        return call()

    client, table = intercepted(dynamodb, note), make_table(dynamodb)
    index, records = DynamoIndex(client, table, concurrency=1), DynamoJobRecords(client, table)
    index.add([entry()], overwrite=NEVER)
    index.ids(Level.PATIENT)
    index.statistics()
    index.remove(Level.PATIENT, "0p")
    records.all()
    records.any_alive()
    granted = {"get_item", "batch_get_item", "query", "put_item", "update_item", "transact_write_items"}
    assert called <= granted


def test_the_time_of_the_last_change_moves_with_every_child(dynamodb: DynamoDBClient) -> None:
    hours = iter(range(24))
    index = DynamoIndex(
        dynamodb, make_table(dynamodb), now=lambda: datetime(2024, 1, 2, next(hours), tzinfo=UTC)
    )

    def last_update() -> str:
        patient = index.get(Level.PATIENT, "0p")
        assert patient is not None
        return patient.metadata["LastUpdate"].value

    index.add([entry()], overwrite=NEVER)
    seen = [last_update()]
    index.add([entry("1i"), entry("2i", series="1s", study="1t")], overwrite=NEVER)
    seen.append(last_update())
    index.add([entry("1i", version="2")], overwrite=ALWAYS)
    seen.append(last_update())
    index.remove(Level.INSTANCE, "1i")
    seen.append(last_update())
    index.remove(Level.STUDY, "1t")
    seen.append(last_update())
    assert seen == sorted(set(seen))
    assert seen[0] == "20240102T000000"
    index.add([entry(version="3")], overwrite=NEVER)
    index.refresh(Level.PATIENT, "0p", LevelFacts({}))
    assert last_update() == seen[-1]


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

    index = DynamoIndex(intercepted(dynamodb, fail), "index", concurrency=1)
    calls: list[Callable[[], object]] = [
        lambda: index.get(Level.STUDY, "0t"),
        lambda: index.find("0t"),
        lambda: index.children(Level.STUDY, "0t"),
        lambda: index.add([entry()], overwrite=NEVER),
        lambda: index.set_labels(Level.STUDY, "0t", add=frozenset({"a"}), remove=frozenset()),
        lambda: index.next_number("Anonymized"),
        lambda: DynamoJobRecords(intercepted(dynamodb, fail), "index").create(job()),
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

    index = DynamoIndex(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    index.add([entry()], overwrite=NEVER)
    assert index.children(Level.SERIES, "0s") == ["0i"]


def test_a_transaction_that_meets_another_is_repeated(dynamodb: DynamoDBClient) -> None:
    refusals = iter([cancelled("TransactionConflict", "None")] * 3)

    def conflict(name: str, call: Callable[[], Any]) -> Any:
        if name == "transact_write_items" and (failure := next(refusals, None)):
            raise failure
        return call()

    index = DynamoIndex(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    index.add([entry()], overwrite=NEVER)
    assert index.remove(Level.SERIES, "0s").objects == [entry().object]


def test_a_crowd_that_never_ends_is_told_to_come_back(
    dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.index.dynamodb_table._LONGEST_PAUSE", 0)

    def conflict(name: str, call: Callable[[], Any]) -> Any:
        if name == "transact_write_items":
            raise cancelled("TransactionConflict")
        return call()

    index = DynamoIndex(intercepted(dynamodb, conflict), make_table(dynamodb), concurrency=1)
    with pytest.raises(TransientError):
        index.add([entry()], overwrite=NEVER)
    assert index.find("0i") is None


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
    index = DynamoIndex(stingy, table, concurrency=1)
    index.add([entry(), entry("1i"), entry("2i")], overwrite=NEVER)
    assert index.children(Level.SERIES, "0s") == ["0i", "1i", "2i"]


def noise(length: int) -> str:
    return random.Random(1).randbytes(length).hex()  # noqa: S311 - what cannot be compressed


def test_sequences_that_exceed_an_item_are_left_out(dynamodb: DynamoDBClient) -> None:
    index = DynamoIndex(dynamodb, make_table(dynamodb), concurrency=1)
    facts = {Level.SERIES: {"MainDicomSequences": noise(400_000), "RemoteAET": "x"}}
    index.add([entry(metadata=facts)], overwrite=NEVER)
    series = index.get(Level.SERIES, "0s")
    assert series is not None
    assert "MainDicomSequences" not in series.metadata
    assert series.metadata["RemoteAET"].value == "x"


def test_main_tags_that_exceed_an_item_are_refused(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    index = DynamoIndex(dynamodb, table, concurrency=1)
    with pytest.raises(BadFileFormatError):
        index.add([entry(tags=noise(400_000))], overwrite=NEVER)
    assert items(dynamodb, table) == []


def test_metadata_that_exceed_an_item_are_refused(dynamodb: DynamoDBClient) -> None:
    index = DynamoIndex(dynamodb, make_table(dynamodb), concurrency=1)
    index.add([entry()], overwrite=NEVER)
    with pytest.raises(ParameterOutOfRangeError):
        index.set_metadata(Level.STUDY, "0t", "My", noise(450_000), expected=None)


def test_items_say_little_in_their_keys(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    index = DynamoIndex(dynamodb, table, concurrency=1)
    index.add([entry("ai", series="bs", tags="secret")], overwrite=NEVER)
    found = {(item["PK"]["S"], item["SK"]["S"]) for item in items(dynamodb, table)}
    assert found == {
        ("Patient#0p", "-"),
        ("Patient#0p#children", "0t"),
        ("Study#0t", "-"),
        ("Study#0t#children", "bs"),
        ("Series#bs", "-"),
        ("Series#bs#children#a", "ai"),
        ("Instance#ai", "-"),
    }


def job() -> Job:
    return Job(
        id="j",
        type=JobType.RESOURCE_MODIFICATION,
        is_anonymization=True,
        level=Level.STUDY,
        key=bytes(32),
        created="2024-01-02T00:00:00.000000",
    )


def test_a_record_larger_than_an_item_is_kept_in_pieces(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    records = DynamoJobRecords(dynamodb, table)
    large = replace(job(), user_data=noise(700_000))
    records.create(large)
    assert records.get("j") == large
    small = replace(large, user_data=None, state=JobState.SUCCESS)
    updated = records.update(small)
    assert records.get("j") == updated == replace(small, revision=1)
    with pytest.raises(ConflictError):
        records.update(small)
    records.delete("j")
    assert items(dynamodb, table) == []
