"""What the template says of files that arrive: queues, times and alarms that fit together."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.aws.arrivals.ingestion import _pause
from dicomorph.aws.arrivals.waiting import AGE, NAMESPACE
from local.template import read_template

TEMPLATE = read_template()
RESOURCES = TEMPLATE["Resources"]
QUEUES = ("ArrivalQueue", "DeadArrivalQueue")
DAY = 86400


def _properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[name]["Properties"]
    return found


def test_a_message_stays_hidden_for_six_times_as_long_as_the_function_may_take() -> None:
    assert _properties("ArrivalQueue")["VisibilityTimeout"] >= 6 * _properties("IngestFunction")["Timeout"]


def test_a_dead_letter_is_one_after_five_attempts_and_within_the_alarm_for_late_ones() -> None:
    redrive = _properties("ArrivalQueue")["RedrivePolicy"]
    assert redrive == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadArrivalQueue", "Arn"]},
        "maxReceiveCount": 5,
    }
    pauses = [_pause(receives) for receives in range(1, redrive["maxReceiveCount"] + 1)]
    assert pauses == sorted(pauses)
    assert sum(pauses) < _properties("ArrivalsLate")["Threshold"]


@pytest.mark.parametrize("queue", QUEUES)
def test_messages_are_kept_for_as_long_as_there_is_and_encrypted_with_the_key_of_the_stack(
    queue: str,
) -> None:
    assert _properties(queue)["MessageRetentionPeriod"] == 14 * DAY
    key = RESOURCES["DicomBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    assert _properties(queue)["KmsMasterKeyId"] == key["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]


@pytest.mark.parametrize("queue", QUEUES)
def test_queues_refuse_plain_http_and_take_messages_of_the_rule_alone(queue: str) -> None:
    statements = _properties(f"{queue}Policy")["PolicyDocument"]["Statement"]
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    assert [one["Sid"] for one in statements if one["Effect"] == "Deny"] == ["RefusePlainHttp"]
    if queue == "DeadArrivalQueue":
        assert allowed == []
    else:
        [statement] = allowed
        assert statement["Action"] == "sqs:SendMessage"
        rule = {"Fn::GetAtt": ["ArrivalRule", "Arn"]}
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}


def test_what_waits_outlives_its_dead_letter_and_rings_before_that_ends() -> None:
    rules = {rule["Id"]: rule for rule in _properties("DicomBucket")["LifecycleConfiguration"]["Rules"]}
    assert "ExpirationInDays" not in rules["ForgetIncoming"]
    kept = _properties("DeadArrivalQueue")["MessageRetentionPeriod"]
    assert _properties("ArrivalsForgotten")["Threshold"] < kept
    # A note outlives the messages that name it, in one queue and then in the other.
    assert rules["ForgetNotes"]["ExpirationInDays"] * DAY > 2 * kept
    assert rules["ForgetRejected"]["ExpirationInDays"] == {"Ref": "RejectedDays"}


def test_the_alarm_looks_at_the_metric_that_the_function_writes() -> None:
    alarm = _properties("ArrivalsForgotten")
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, AGE)
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "IngestFunction"}}]
    assert _properties("IngestSchedule")["ScheduleExpression"] == "rate(1 hour)"
    assert alarm["Period"] >= 3600


def test_messages_that_failed_come_again_alone_and_concurrency_is_bounded() -> None:
    messages = _properties("IngestMessages")
    assert messages["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert messages["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "IngestConcurrency"}}
    assert TEMPLATE["Parameters"]["IngestConcurrency"]["MinValue"] == 2  # Lambda's


def test_the_key_lets_eventbridge_put_messages_into_the_queue() -> None:
    [statement] = [
        one for one in _properties("DataKey")["KeyPolicy"]["Statement"] if one["Sid"] == "EncryptArrivals"
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
