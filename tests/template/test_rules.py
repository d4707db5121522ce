"""The rules hold for the template, and each of them finds a template that breaks it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.template import TEMPLATE, read_template
from tests.support import template_rules as rules
from tests.support import watching_rules

Change = Callable[[dict[str, Any]], Any]

RULES = [
    rules.careless_roles,
    rules.unsigned_routes,
    rules.unserved_routes,
    rules.unreachable_handlers,
    watching_rules.unlogged_functions,
    watching_rules.talkative_logs,
    watching_rules.unwatched,
    watching_rules.lost_failures,
    rules.open_buckets,
    rules.unencrypted,
]


def _copy() -> dict[str, Any]:
    """Return the template with nothing shared, so that a change is a change in one place."""
    copied: dict[str, Any] = json.loads(json.dumps(read_template()))
    return copied


def _properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def _paths(template: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _properties(template, "Api")["DefinitionBody"]["paths"]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps_the_rule(rule: rules.Rule) -> None:
    assert rule(read_template()) == []


def test_every_wildcard_of_the_template_has_a_reason() -> None:
    assert rules.unexplained_wildcards(TEMPLATE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Action: states:StartExecution", "Action: states:*"),
        ("Action: [kms:Decrypt, kms:GenerateDataKey]", 'Action: [kms:Decrypt, "kms:Generate*"]'),
        ("Resource: !Sub ${DicomBucket.Arn}/jobs/*", "Resource: !Sub ${DicomBucket.Arn}/*"),
        ("Resource: !GetAtt IndexTable.Arn", 'Resource: "*"'),
        ("Resource: !GetAtt IndexTable.Arn", "Resource: arn:aws:dynamodb:*:123456789012:table/index"),
        ("kms:* # wildcard: a key that its account may not govern is lost", "kms:*"),
    ],
)
def test_a_wildcard_without_a_reason_is_found(before: str, after: str) -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert before in text
    assert len(rules.unexplained_wildcards(text.replace(before, after, 1))) == 1


def _own_sam_role(template: dict[str, Any]) -> None:
    del _properties(template, "BrowseFunction")["Role"]


def _manage(template: dict[str, Any]) -> None:
    _properties(template, "BrowseRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]


def _leave_the_vpc(template: dict[str, Any]) -> None:
    _properties(template, "JobsRole")["Policies"].pop(0)


def _add_route(template: dict[str, Any]) -> None:
    _paths(template)["/studies/{id}/archive"] = {"get": _paths(template)["/studies"]["get"]}


def _remove_route(template: dict[str, Any]) -> None:
    del _paths(template)["/studies/{id}/metadata"]["get"]


def _trigger(template: dict[str, Any]) -> None:
    event = {"Type": "S3", "Properties": {"Bucket": {"Ref": "DicomBucket"}, "Events": "s3:ObjectCreated:*"}}
    _properties(template, "InstancesFunction")["Events"] = {"Arrived": event}


def _invoke_from_outside(template: dict[str, Any]) -> None:
    _properties(template, "BrowsePermission")["Principal"] = "events.amazonaws.com"


def _react(template: dict[str, Any]) -> None:
    _properties(template, "EraseSchedule").update(EventPattern={"source": ["aws.s3"]})


def _read_queue(template: dict[str, Any]) -> None:
    template["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
    event = {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}}
    _properties(template, "InstancesFunction")["Events"] = {"Arrived": event}


def _log_path(template: dict[str, Any]) -> None:
    _properties(template, "Api")["AccessLogSetting"]["Format"] += "$context.path"


def _make_bucket_public(template: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    _properties(template, "DicomBucketPolicy")["PolicyDocument"]["Statement"].append(statement)


def _allow_plain_http(template: dict[str, Any]) -> None:
    del _properties(template, "DicomBucketPolicy")["PolicyDocument"]["Statement"][0]


def _encrypt_with_aws_key(template: dict[str, Any]) -> None:
    (rule,) = _properties(template, "DicomBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    del rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]


def _set(name: str, *path: Any, to: Any) -> Change:
    def change(template: dict[str, Any]) -> None:
        part: Any = _properties(template, name)
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = to

    return change


def _remove(name: str) -> Change:
    return lambda template: template["Resources"].pop(name)


DEFECTS: list[tuple[rules.Rule, Change, str]] = [
    (rules.careless_roles, _own_sam_role, "BrowseFunction"),
    (rules.careless_roles, _manage, "BrowseRole"),
    (rules.careless_roles, _leave_the_vpc, "JobsFunction"),
    (rules.unsigned_routes, _set("Api", "Auth", to={"DefaultAuthorizer": "NONE"}), "/system"),
    (rules.unsigned_routes, lambda t: _paths(t)["/jobs"]["get"].update(security=[]), "/jobs"),
    (rules.unserved_routes, _add_route, "('functions/browse', 'GET', '/studies/*/archive')"),
    (rules.unreachable_handlers, _remove_route, "('functions/browse', 'GET', '/studies/*/metadata')"),
    (watching_rules.unlogged_functions, _remove("JobsLogGroup"), "JobsFunction"),
    (
        watching_rules.unlogged_functions,
        lambda t: _properties(t, "JobsLogGroup").pop("RetentionInDays"),
        "JobsFunction",
    ),
    (
        watching_rules.unlogged_functions,
        _set("JobsFunction", "LoggingConfig", "LogGroup", to={"Ref": "BrowseLogGroup"}),
        "JobsFunction",
    ),
    (watching_rules.talkative_logs, _log_path, "path"),
    (watching_rules.talkative_logs, _set("Api", "TracingEnabled", to=True), "the API is traced"),
    (watching_rules.talkative_logs, _set("JobsFunction", "Tracing", to="Active"), "JobsFunction is traced"),
    (
        watching_rules.talkative_logs,
        _set("JobsFunction", "Environment", "Variables", "POWERTOOLS_LOGGER_LOG_EVENT", to="true"),
        "JobsFunction has POWERTOOLS_LOGGER_LOG_EVENT",
    ),
    (
        watching_rules.talkative_logs,
        _set("Api", "MethodSettings", 0, "DataTraceEnabled", to=True),
        "DataTraceEnabled is True",
    ),
    (
        watching_rules.talkative_logs,
        _set("Api", "MethodSettings", 0, "LoggingLevel", to="INFO"),
        "LoggingLevel is INFO",
    ),
    (
        watching_rules.talkative_logs,
        _set("ModificationWorkflow", "Logging", "IncludeExecutionData", to=True),
        "ModificationWorkflow logs execution data",
    ),
    (watching_rules.unwatched, _remove("EditBatchErrors"), "Errors of EditBatchFunction"),
    (watching_rules.unwatched, _remove("JobsFailed"), "ExecutionsFailed of ModificationWorkflow"),
    (watching_rules.unwatched, _remove("ApiErrors"), "5XXError of AWS::StackName"),
    (watching_rules.unwatched, _set("BrowseThrottles", "AlarmActions", to=[]), "Throttles of BrowseFunction"),
    (watching_rules.lost_failures, _trigger, "InstancesFunction"),
    (watching_rules.lost_failures, _invoke_from_outside, "BrowseFunction"),
    (watching_rules.lost_failures, _react, "EraseFunction"),
    (watching_rules.lost_failures, _read_queue, "Queue"),
    (rules.open_buckets, _make_bucket_public, "DicomBucket"),
    (rules.open_buckets, _allow_plain_http, "DicomBucket"),
    (
        rules.open_buckets,
        _set("DicomBucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy", to=False),
        "DicomBucket",
    ),
    (rules.unencrypted, _encrypt_with_aws_key, "DicomBucket"),
    (rules.unencrypted, lambda t: _properties(t, "IndexTable").pop("SSESpecification"), "IndexTable"),
    (rules.unencrypted, lambda t: _properties(t, "AlarmTopic").pop("KmsMasterKeyId"), "AlarmTopic"),
]


@pytest.mark.parametrize(("rule", "defect", "found"), DEFECTS)
def test_a_defect_is_found(rule: rules.Rule, defect: Change, found: str) -> None:
    template = _copy()
    assert rule(template) == []
    defect(template)
    assert found in rule(template)


def test_a_failure_destination_is_enough() -> None:
    template = _copy()
    _trigger(template)
    destination = {"DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": "arn"}}}
    _properties(template, "InstancesFunction")["EventInvokeConfig"] = destination
    assert watching_rules.lost_failures(template) == []
