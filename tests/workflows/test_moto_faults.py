"""The faults of moto that `moto_faults` contains, reproduced: where one is mended, drop its workaround.

Moto's own part changes with moto alone: those cases are slow ones, until another version is installed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from queue import SimpleQueue
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.s3 import notifications
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from tests.workflows import moto_faults

REPRODUCED: Final = "5.2.5"
"""The version of moto that these faults were last looked for in."""

REGION: Final = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/any"
DONE = {"Type": "Pass", "Result": 1, "End": True}
FAILED = {"Type": "Fail", "Error": "Item"}


def of_moto_itself(test: Callable[..., None]) -> Callable[..., None]:
    """Leave a case to the slow tests, as long as moto is the version that it was tried with."""
    return pytest.mark.slow(test) if version("moto") == REPRODUCED else test


@pytest.fixture
def plain_moto() -> Iterator[None]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


def machine(states: dict[str, Any]) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states})


def distributed_map(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Item"}
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 1,
        "ItemProcessor": {**processor, "States": {"Item": item}},
        "End": True,
        **fields,
    }


def create(definition: str) -> str:
    client = boto3.client("stepfunctions", REGION)
    return client.create_state_machine(name="machine", definition=definition, roleArn=ROLE)["stateMachineArn"]


def start(definition: str, event: object) -> str:
    client = boto3.client("stepfunctions", REGION)
    machine = create(definition)
    return client.start_execution(stateMachineArn=machine, name="run", input=json.dumps(event))[
        "executionArn"
    ]


def status_of(execution: str) -> str:
    return boto3.client("stepfunctions", REGION).describe_execution(executionArn=execution)["status"]


def run(definition: str, event: object) -> str:
    execution = start(definition, event)
    while (status := status_of(execution)) == "RUNNING":
        time.sleep(0.02)
    return status


@of_moto_itself
def test_a_worker_of_a_map_calls_itself_for_each_item(
    plain_moto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: SimpleQueue[type[BaseException]] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda thread: died.put(thread.exc_type))
    execution = start(machine({"Map": distributed_map(DONE)}), {"items": list(range(1100))})
    assert died.get() is RecursionError
    assert status_of(execution) == "RUNNING"  # for ever


def test_a_worker_of_a_map_takes_any_number_of_items_with_the_workaround() -> None:
    with moto_faults.aws():
        assert run(machine({"Map": distributed_map(DONE)}), {"items": list(range(1100))}) == "SUCCEEDED"


@of_moto_itself
def test_a_distributed_map_swallows_failed_items(plain_moto: None) -> None:
    assert run(machine({"Map": distributed_map(FAILED)}), {"items": [1, 2]}) == "SUCCEEDED"


def test_failed_items_count_with_the_workaround() -> None:
    with moto_faults.aws():
        assert run(machine({"Map": distributed_map(FAILED)}), {"items": [1, 2]}) == "FAILED"
    tolerant = distributed_map(FAILED, ToleratedFailurePercentage=100.0)
    with moto_faults.aws():
        assert run(machine({"Map": tolerant}), {"items": [1, 2]}) == "SUCCEEDED"
    catching = distributed_map(FAILED, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    with moto_faults.aws():
        assert run(machine({"Map": catching, "Caught": DONE}), {"items": [1, 2]}) == "SUCCEEDED"


@of_moto_itself
def test_each_task_gets_a_new_client(plain_moto: None) -> None:
    assert _client_of_a_task() is not _client_of_a_task()


def test_tasks_share_a_client_with_the_workaround() -> None:
    with moto_faults.aws():
        assert _client_of_a_task() is _client_of_a_task()


def _client_of_a_task() -> Any:
    return lambda_eval_utils.__dict__["boto_client_for"](service="lambda", region=REGION)


@of_moto_itself
@pytest.mark.parametrize(
    "fields",
    [
        {"ToleratedFailurePercentage": 100},
        {"ItemBatcher": {"MaxItemsPerBatch": 10}},
        {
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Item",
                "States": {"Item": DONE},
            }
        },
    ],
)
def test_the_parser_rejects_words_of_aws(plain_moto: None, fields: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="ASLParserException"):
        create(machine({"Map": distributed_map(DONE, **fields)}))


def test_words_that_the_state_machine_uses_are_parsed_with_the_workaround(plain_moto: None) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "Item"}
    item_processor = {**processor, "States": {"Item": DONE}}
    state = distributed_map(DONE, ToleratedFailurePercentage=100, ItemProcessor=item_processor)
    assert run(moto_faults.parseable(machine({"Map": state})), {"items": [1]}) == "SUCCEEDED"


@of_moto_itself
def test_retries_wait_in_real_time(plain_moto: None) -> None:
    assert retrier_decl.__dict__["time"] is time


@of_moto_itself
def test_states_wait_in_real_time(plain_moto: None) -> None:
    before = time.monotonic()
    assert run(machine({"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}), {}) == "SUCCEEDED"
    assert time.monotonic() - before >= 1


@of_moto_itself
def test_lambda_tells_no_limits_of_the_account(plain_moto: None) -> None:
    with pytest.raises(ClientError):
        boto3.client("lambda", REGION).get_account_settings()


def test_lambda_tells_the_limits_of_an_account_of_ten_with_the_workaround() -> None:
    with moto_faults.aws():
        limit = boto3.client("lambda", REGION).get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] == 10


def test_calls_to_a_store_meet_each_other(plain_moto: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _meet(monkeypatch)


def test_calls_to_a_store_take_turns_with_the_workaround(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto_faults.aws():
        assert not _meet(monkeypatch)


def _meet(patch: pytest.MonkeyPatch) -> bool:
    """Tell whether two calls are answered at the same time."""
    barrier = threading.Barrier(2, timeout=0.5)
    meetings: list[bool] = []

    def list_tables(*_: Any) -> tuple[list[str], None]:
        try:
            barrier.wait()
            meetings.append(True)
        except threading.BrokenBarrierError:
            meetings.append(False)
        return [], None

    patch.setattr(DynamoDBBackend, "list_tables", list_tables)
    client = boto3.client("dynamodb", REGION)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: client.list_tables(), range(2)))
    return all(meetings)


@of_moto_itself
def test_a_query_of_a_partition_sorts_the_whole_table(
    plain_moto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _looked_at(monkeypatch) == [["a", "b"]]


def test_a_query_looks_at_its_partition_with_the_workaround(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto_faults.aws():
        assert _looked_at(monkeypatch) == [["b"]]


def _looked_at(patch: pytest.MonkeyPatch) -> list[list[str]]:
    """Query one of two partitions; return the partitions that were looked at."""
    looked_at = []
    all_items = Table.all_items

    def listen(table: Table) -> Any:
        items = all_items(table)
        looked_at.append([item.hash_key.value for item in items])
        return items

    patch.setattr(Table, "all_items", listen)
    client = boto3.client("dynamodb", REGION)
    client.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )
    for partition in ("a", "b"):
        client.put_item(TableName="table", Item={"PK": {"S": partition}, "SK": {"S": "x"}})
    looked_at.clear()
    found = client.query(
        TableName="table",
        KeyConditionExpression="PK = :partition",
        ExpressionAttributeValues={":partition": {"S": "b"}},
    )["Items"]
    assert found == [{"PK": {"S": "b"}, "SK": {"S": "x"}}]
    return looked_at


@of_moto_itself
def test_sub_with_a_list_halves_dollar_signs(plain_moto: None) -> None:
    template = {
        "Resources": {
            "Topic": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "definition",
                    "Type": "String",
                    "Value": {"Fn::Sub": ["$$.Map.Item.Value ${Word}", {"Word": "x"}]},
                },
            }
        }
    }
    boto3.client("cloudformation", REGION).create_stack(StackName="stack", TemplateBody=json.dumps(template))
    value = boto3.client("ssm", REGION).get_parameter(Name="definition")["Parameter"]["Value"]
    assert value == "$.Map.Item.Value x"


@of_moto_itself
def test_a_multipart_upload_is_announced_too_early_and_twice(
    plain_moto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[str] = []

    def listen(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        announced.append(event_name.value)

    client = boto3.client("s3", REGION)
    client.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    upload = client.create_multipart_upload(Bucket="bucket", Key="key")["UploadId"]
    part = client.upload_part(Bucket="bucket", Key="key", UploadId=upload, PartNumber=1, Body=b"x")
    monkeypatch.setattr(notifications, "send_event", listen)
    client.complete_multipart_upload(
        Bucket="bucket",
        Key="key",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    # AWS sends the last one only, and then the object is whole.
    assert announced[0] == "s3:ObjectCreated:Put"
    assert announced[-1] == "s3:ObjectCreated:CompleteMultipartUpload"


@of_moto_itself
def test_eventbridge_does_not_reach_lambda(plain_moto: None) -> None:
    events = boto3.client("events", REGION)
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["ours"]}))
    function = f"arn:aws:lambda:{REGION}:123456789012:function:any"
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": function}])
    with pytest.raises(NotImplementedError):  # moto's own; once it is gone, rules can be tested end to end
        events.put_events(Entries=[{"Source": "ours", "DetailType": "any", "Detail": "{}"}])
