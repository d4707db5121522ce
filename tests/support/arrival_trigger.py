"""The way of an object from the bucket to the function on a mocked AWS, as far as moto goes.

S3 tells EventBridge, EventBridge the queue, and the queue moves what was received too often to that of
dead letters: moto does so. It calls no function for a queue, so `pump` stands for what Lambda does.
Moving dead letters back is nothing that moto knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from dicomorph import bootstrap
from local.functions import Context, load_module
from local.template import TEMPLATE, read_template
from tests.support.index_schema import index_schema
from tests.support.quick_moto import quick_aws
from tests.support.template_values import ACCOUNT, REGION, TemplateValues

BUCKET = "dicom"
_NAMES = {"DicomBucket": BUCKET, "IndexTable": "index"}


class Trigger:
    """The resources of the template, and the function at their end."""

    def __init__(self, resources: Mapping[str, Any], values: TemplateValues) -> None:
        self.s3 = boto3.client("s3")
        self._sqs = boto3.client("sqs")
        self._received = int(resources["ArrivalQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"])
        self._make_stores(resources)
        self._url = self._make_queues()
        self._make_rule(resources["ArrivalRule"]["Properties"], values)
        self.function = load_module(TEMPLATE.parent / "functions/ingest/app.py").lambda_handler

    def put(self, name: str, content: bytes) -> str:
        """Let an object arrive; return its version."""
        answer = self.s3.put_object(
            Bucket=BUCKET,
            Key=f"incoming/{name}",
            Body=content,
            Metadata={"patient": "Doe"},
            Tagging="patient=Doe",
        )
        return answer["VersionId"]

    def tell(self, body: Mapping[str, Any] | str) -> None:
        """Put a message into the queue."""
        text = body if isinstance(body, str) else json.dumps(body)
        self._sqs.send_message(QueueUrl=self._url, MessageBody=text)

    def waiting(self, name: str = "ArrivalQueue") -> list[str]:
        """Return the bodies of the messages in a queue, on their way or not."""
        return [message.body for message in self.queue(name)._messages]

    def pump(self, *, rounds: int = 1000) -> int:
        """Call the function as long as there are messages; return how often."""
        for number in range(rounds):
            records = self._receive()
            if not records and not self.waiting():
                return number
            if records:
                self._call(records)
        return rounds

    def _call(self, records: list[dict[str, Any]]) -> None:
        answer = self.function({"Records": records}, Context())
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in failed:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=record["receiptHandle"])

    def _receive(self) -> list[dict[str, Any]]:
        """Return some messages as Lambda passes them on; time passes as if in no time."""
        for message in self.queue("ArrivalQueue")._messages:
            message.delayed_until = message.visible_at = 0
        found = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=5, AttributeNames=["All"], VisibilityTimeout=5400
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "eventSource": "aws:sqs",
            }
            for message in found.get("Messages", [])
        ]

    def queue(self, name: str) -> Any:
        """Return a queue as moto has it."""
        return get_backend("sqs")[ACCOUNT][REGION].queues[name]

    def _make_stores(self, resources: Mapping[str, Any]) -> None:
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        found = resources["DicomBucket"]["Properties"]["NotificationConfiguration"][
            "EventBridgeConfiguration"
        ]
        assert found == {"EventBridgeEnabled": True}
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        boto3.client("dynamodb").create_table(TableName="index", **index_schema())

    def _make_queues(self) -> str:
        self._sqs.create_queue(QueueName="DeadArrivalQueue")
        redrive = {
            "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:DeadArrivalQueue",
            "maxReceiveCount": self._received,
        }
        made = self._sqs.create_queue(
            QueueName="ArrivalQueue", Attributes={"RedrivePolicy": json.dumps(redrive)}
        )
        return str(made["QueueUrl"])

    def _make_rule(self, rule: Mapping[str, Any], values: TemplateValues) -> None:
        events = boto3.client("events")
        events.put_rule(Name="ArrivalRule", EventPattern=json.dumps(values.of(rule["EventPattern"])))
        events.put_targets(Rule="ArrivalRule", Targets=values.of(rule["Targets"]))


@contextmanager
def arrival_trigger(patch: pytest.MonkeyPatch, **variables: str) -> Iterator[Trigger]:
    """Deploy what the template says of arrivals; the function has these variables besides."""
    template = read_template()
    values = TemplateValues(template, _NAMES)
    environment = {
        "INDEX_TABLE_NAME": "index",
        "DICOM_BUCKET_NAME": BUCKET,
        "ARRIVAL_QUEUE_URL": values.of({"Ref": "ArrivalQueue"}),
        "AWS_LAMBDA_FUNCTION_NAME": "ingest",
        **variables,
    }
    for name, value in environment.items():
        patch.setenv(name, value)
    with quick_aws():
        bootstrap.use_backend(None)
        bootstrap.get_ingestion.cache_clear()
        yield Trigger(template["Resources"], values)
        bootstrap.use_backend(None)
        bootstrap.get_ingestion.cache_clear()
