"""Which permissions the calls of a client need, written down as they are made."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from tests.support.granted_actions import Need
from tests.support.template_values import ACCOUNT, REGION

_Params = Mapping[str, Any]
_PARAMS: Final = "recorded_params"


def _object(params: _Params) -> str:
    return f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"


def _bucket(params: _Params) -> str:
    return f"arn:aws:s3:::{params['Bucket']}"


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _reading(params: _Params) -> Iterator[Need]:
    # S3 asks for one or the other, never for both.
    yield Need("s3:GetObjectVersion" if "VersionId" in params else "s3:GetObject", _object(params))


def _copying(params: _Params) -> Iterator[Need]:
    yield Need("s3:PutObject", _object(params))
    yield from _reading(params["CopySource"])


def _deleting(params: _Params) -> Iterator[Need]:
    for target in params["Delete"]["Objects"]:
        action = "s3:DeleteObjectVersion" if "VersionId" in target else "s3:DeleteObject"
        yield Need(action, _object({**params, **target}))


def _listing(params: _Params, action: str = "s3:ListBucket") -> Iterator[Need]:
    prefix = ((("s3:prefix", (params["Prefix"],)),)) if "Prefix" in params else ()
    yield Need(action, _bucket(params), prefix)


def _on_object(action: str) -> Callable[[_Params], Iterator[Need]]:
    return lambda params: iter((Need(action, _object(params)),))


def _item(action: str, table: str, *keys: str) -> Need:
    return Need(f"dynamodb:{action}", table, (("dynamodb:LeadingKeys", tuple(dict.fromkeys(keys))),))


def _on_item(action: str) -> Callable[[_Params], Iterator[Need]]:
    def needs(params: _Params) -> Iterator[Need]:
        key = params.get("Key") or params["Item"]
        yield _item(action, _table(params["TableName"]), key["PK"]["S"])

    return needs


def _querying(params: _Params) -> Iterator[Need]:
    (name,) = re.findall(r"^#\w+ = (:\w+)", params["KeyConditionExpression"])
    index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
    partition = params["ExpressionAttributeValues"][name]["S"]
    yield _item("Query", _table(params["TableName"]) + index, partition)


def _getting_many(params: _Params) -> Iterator[Need]:
    for name, request in params["RequestItems"].items():
        yield _item("BatchGetItem", _table(name), *(key["PK"]["S"] for key in request["Keys"]))


def _transacting(params: _Params) -> Iterator[Need]:
    for entry in params["TransactItems"]:
        ((kind, request),) = entry.items()
        yield from _on_item(f"{kind}Item")(request)


def _on_log(action: str) -> Callable[[_Params], Iterator[Need]]:
    def needs(params: _Params) -> Iterator[Need]:
        group, stream = params["logGroupName"], params["logStreamName"]
        yield Need(f"logs:{action}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{stream}")

    return needs


def _on_workflow(action: str, parameter: str) -> Callable[[_Params], Iterator[Need]]:
    return lambda params: iter((Need(f"states:{action}", params[parameter]),))


def _on_queue(action: str) -> Callable[[_Params], Iterator[Need]]:
    return lambda params: iter((Need(f"sqs:{action}", queue_arn(params["QueueUrl"])),))


def queue_arn(url: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"


_NEEDS: Mapping[tuple[str, str], Callable[[_Params], Iterator[Need]]] = {
    ("dynamodb", "BatchGetItem"): _getting_many,
    ("dynamodb", "GetItem"): _on_item("GetItem"),
    ("dynamodb", "PutItem"): _on_item("PutItem"),
    ("dynamodb", "Query"): _querying,
    ("dynamodb", "TransactWriteItems"): _transacting,
    ("dynamodb", "UpdateItem"): _on_item("UpdateItem"),
    ("s3", "AbortMultipartUpload"): _on_object("s3:AbortMultipartUpload"),
    ("s3", "CompleteMultipartUpload"): _on_object("s3:PutObject"),
    ("s3", "CreateMultipartUpload"): _on_object("s3:PutObject"),
    ("s3", "DeleteObject"): lambda params: _deleting({**params, "Delete": {"Objects": [params]}}),
    ("s3", "DeleteObjects"): _deleting,
    ("s3", "GetObject"): _reading,
    ("s3", "HeadObject"): _reading,
    ("s3", "ListObjectVersions"): lambda params: _listing(params, "s3:ListBucketVersions"),
    ("s3", "ListObjectsV2"): _listing,
    ("s3", "ListParts"): _on_object("s3:ListMultipartUploadParts"),
    ("s3", "PutObject"): _on_object("s3:PutObject"),
    ("s3", "UploadPart"): _on_object("s3:PutObject"),
    ("s3", "UploadPartCopy"): _copying,
    ("logs", "CreateLogStream"): _on_log("CreateLogStream"),
    ("logs", "PutLogEvents"): _on_log("PutLogEvents"),
    ("lambda", "GetAccountSettings"): lambda _: iter((Need("lambda:GetAccountSettings", "*"),)),
    ("sqs", "ChangeMessageVisibility"): _on_queue("ChangeMessageVisibility"),
    ("sqs", "SendMessage"): _on_queue("SendMessage"),
    ("stepfunctions", "DescribeExecution"): _on_workflow("DescribeExecution", "executionArn"),
    ("stepfunctions", "StartExecution"): _on_workflow("StartExecution", "stateMachineArn"),
    ("stepfunctions", "StopExecution"): _on_workflow("StopExecution", "executionArn"),
}
_KEY_ACTIONS = {
    "CompleteMultipartUpload": "kms:Decrypt",  # the parts are read again
    "CreateMultipartUpload": "kms:GenerateDataKey",
    "GetObject": "kms:Decrypt",
    "HeadObject": "kms:Decrypt",
    "PutObject": "kms:GenerateDataKey",
    "SendMessage": "kms:GenerateDataKey",
    "UploadPart": "kms:Decrypt",
    "UploadPartCopy": "kms:Decrypt",
}
"""What S3 does with the key of its bucket, and SQS with that of its queue, in the name of the caller."""


def call_needs(service: str, operation: str, params: _Params, keys: Mapping[str, str]) -> Iterator[Need]:
    """Yield the permissions that a call needs.

    Parameters
    ----------
    service, operation : str
        As botocore names them.
    keys : Mapping[str, str]
        The customer's keys that stores are encrypted with, by ``s3``, ``dynamodb`` and ``sqs``, or the name
        of another bucket; the keys that AWS manages ask nobody for a permission.
    """
    needs = _NEEDS.get((service, operation))
    if needs is None:
        yield Need(f"{service}:{operation}", "*")  # granted to nobody, so it is reported
        return
    yield from needs(params)
    # DynamoDB opens the key of its table, for writes as for reads.
    action = "kms:Decrypt" if service == "dynamodb" else _KEY_ACTIONS.get(operation)
    for place in (params, params.get("CopySource", params)):
        key = keys.get(place.get("Bucket", ""), keys.get(service))
        if action and key:
            yield Need(action, key, (("kms:ViaService", (f"{service}.{REGION}.amazonaws.com",)),))


@dataclass
class CallRecorder:
    """Writes down what clients ask for.

    Parameters
    ----------
    keys : Mapping[str, str]
        As in `call_needs`.
    needs : dict[str, set[Need]]
        What has been needed, by principal.
    hooks : dict[str, Callable[[], None]]
        Called before a call of an operation is sent; what they raise, the caller gets.
    lines : set[tuple[str, int]]
        Files and lines that have led to a call.
    """

    keys: Mapping[str, str]
    needs: dict[str, set[Need]] = field(default_factory=dict)
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)
    lines: set[tuple[str, int]] = field(default_factory=set)

    def attach(self, client: Any, principal: str) -> None:
        """Write down from now on what a client needs, presigned calls included."""
        found = self.needs.setdefault(principal, set())

        def on_call(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
            context[_PARAMS] = params
            self.lines.update(_lines())
            found.update(call_needs(model.service_model.service_name, model.name, params, self.keys))
            if hook := self.hooks.get(model.name):
                hook()

        def on_answer(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
            reads = model.name in ("GetObject", "HeadObject")
            if reads and http_response.status_code == HTTPStatus.NOT_FOUND:
                # S3 says 404 only to those who may list the whole bucket, and 403 to others.
                found.add(Need("s3:ListBucket", _bucket(context[_PARAMS])))

        client.meta.events.register("provide-client-params", on_call)
        client.meta.events.register("after-call.s3", on_answer)


def _lines() -> Iterator[tuple[str, int]]:
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        yield frame.f_code.co_filename, frame.f_lineno
