"""What only the DynamoDB index has to fear: secondary indexes that lag, and calls that cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dicomorph.aws.index.roles import dynamo_index
from dicomorph.aws.jobs.records import DynamoJobRecords
from dicomorph.model.resources import Level, LevelFacts
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Removal, StoreStatus
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
    index = dynamo_index(with_stale_listing(dynamodb), make_table(dynamodb), concurrency=1)
    one, two, three = entry(), entry("1i"), entry("2i", series="1s")
    index.ingest.add([one, two, three], overwrite=NEVER)
    assert index.catalogue.ids(Level.INSTANCE) == []  # it lags indeed
    assert index.catalogue.statistics().instances == 0

    assert index.ingest.add([entry(version="2")], overwrite=NEVER)[0].status is StoreStatus.ALREADY_STORED
    assert index.ingest.add([entry(version="3")], overwrite=ALWAYS)[0].superseded == one.object
    assert [found.parent for found in index.catalogue.find_many(["1s"])] == ["0t"]
    assert index.catalogue.children(Level.STUDY, "0t") == ["0s", "1s"]
    pins = index.catalogue.pins(Level.PATIENT, "0p")
    assert sorted(each.ancestry.instance for each in pins) == ["0i", "1i", "2i"]  # a batch has no order
    index.eraser.remove_instances([pin(one), pin(two)])
    assert index.catalogue.children(Level.SERIES, "0s") == ["0i"]
    assert index.eraser.remove(Level.SERIES, "1s") == Removal((Level.STUDY, "0t"), [three.object])
    assert index.eraser.remove(Level.INSTANCE, "0i").remaining is None
    assert list(index.catalogue.find_many(["0p"])) == []


def test_a_series_that_somebody_else_creates_first_is_not_created_again_and_again(
    dynamodb: DynamoDBClient,
) -> None:
    table = make_table(dynamodb)
    rival = dynamo_index(dynamodb, table, concurrency=1)
    transactions = 0

    def race(name: str, call: Callable[[], Any]) -> Any:
        nonlocal transactions
        if name == "transact_write_items":
            transactions += 1
            if transactions == 1:
                rival.ingest.add([entry("fi")], overwrite=NEVER)
        return call()

    index = dynamo_index(intercepted(dynamodb, race), table, concurrency=1)
    outcomes = index.ingest.add([entry(f"{number}i") for number in range(10)], overwrite=NEVER)
    assert [outcome.status for outcome in outcomes] == [StoreStatus.SUCCESS] * 10
    assert len(index.catalogue.children(Level.SERIES, "0s")) == 11
    assert transactions == 1


@pytest.mark.parametrize("by_pin", [False, True])
@pytest.mark.parametrize("rival_replaces", [False, True])
def test_what_somebody_else_changes_meanwhile_delays_no_delete(
    dynamodb: DynamoDBClient,
    by_pin: bool,  # noqa: FBT001
    rival_replaces: bool,  # noqa: FBT001
) -> None:
    table = make_table(dynamodb)
    rival = dynamo_index(dynamodb, table, concurrency=1)
    entries = [entry(f"{number}i") for number in range(4)]
    rival.ingest.add(entries, overwrite=NEVER)
    is_first = True

    def race(name: str, call: Callable[[], Any]) -> Any:
        nonlocal is_first
        if name == "transact_write_items" and is_first:
            is_first = False
            for one in entries[:2]:
                if rival_replaces:
                    changed = entry(one.ancestry.instance, version="2")
                    rival.ingest.add([changed], overwrite=ALWAYS)
                else:
                    rival.eraser.remove(Level.INSTANCE, one.ancestry.instance)
        return call()

    index = dynamo_index(intercepted(dynamodb, race), table, concurrency=1)
    if by_pin:
        index.eraser.remove_instances([pin(one) for one in entries])
    else:
        index.eraser.remove(Level.SERIES, "0s")
    left = ["0i", "1i"] if by_pin and rival_replaces else []
    assert rival.catalogue.ids(Level.INSTANCE) == left
    assert rival.catalogue.ids(Level.PATIENT) == ["0p"][: len(left)]


def test_no_call_scans_the_table(dynamodb: DynamoDBClient) -> None:
    called: set[str] = set()

    def note(name: str, call: Callable[[], Any]) -> Any:
        called.add(name)
        return call()

    client, table = intercepted(dynamodb, note), make_table(dynamodb)
    index, records = dynamo_index(client, table, concurrency=1), DynamoJobRecords(client, table)
    index.ingest.add([entry()], overwrite=NEVER)
    index.catalogue.ids(Level.PATIENT)
    index.catalogue.statistics()
    index.eraser.remove(Level.PATIENT, "0p")
    records.all()
    records.any_alive()
    granted = {"get_item", "batch_get_item", "query", "put_item", "update_item", "transact_write_items"}
    assert called <= granted


def test_the_time_of_the_last_change_moves_with_every_child(dynamodb: DynamoDBClient) -> None:
    hours = iter(range(24))
    index = dynamo_index(
        dynamodb, make_table(dynamodb), now=lambda: datetime(2024, 1, 2, next(hours), tzinfo=UTC)
    )

    def last_update() -> str:
        patient = index.catalogue.get(Level.PATIENT, "0p")
        assert patient is not None
        return patient.metadata["LastUpdate"].value

    index.ingest.add([entry()], overwrite=NEVER)
    seen = [last_update()]
    index.ingest.add([entry("1i"), entry("2i", series="1s", study="1t")], overwrite=NEVER)
    seen.append(last_update())
    index.ingest.add([entry("1i", version="2")], overwrite=ALWAYS)
    seen.append(last_update())
    index.eraser.remove(Level.INSTANCE, "1i")
    seen.append(last_update())
    index.eraser.remove(Level.STUDY, "1t")
    seen.append(last_update())
    assert seen == sorted(set(seen))
    assert seen[0] == "20240102T000000"
    index.ingest.add([entry(version="3")], overwrite=NEVER)
    index.annotations.refresh(Level.PATIENT, "0p", LevelFacts({}))
    assert last_update() == seen[-1]


def test_items_say_little_in_their_keys(dynamodb: DynamoDBClient) -> None:
    table = make_table(dynamodb)
    index = dynamo_index(dynamodb, table, concurrency=1)
    index.ingest.add([entry("ai", series="bs", tags="secret")], overwrite=NEVER)
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
