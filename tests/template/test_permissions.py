"""What each function may do, as the template grants it."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.template import read_template
from tests.support import template_rules as rules

TEMPLATE = read_template()
FUNCTIONS = rules.of_type(TEMPLATE, rules.FUNCTION)
ENDPOINTS = {
    "INDEX_TABLE_NAME": "dynamodb:",
    "DICOM_BUCKET_NAME": "s3:",
    "MODIFICATION_WORKFLOW_ARN": "states:",
    "MAX_CONCURRENCY": "lambda:",
    "WORKER_CONCURRENCY": "lambda:",
    "ARRIVAL_QUEUE_URL": "sqs:",
}
NO_ENDPOINTS = {"ARRIVAL_RULES", "SWEEP", "SWEEP_AFTER_DAYS"}


def _deleting(prefix: str, resource: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the functions that may delete in a place, each with the statement that says so."""
    for function in FUNCTIONS:
        for statement in rules.role_statements(TEMPLATE, function):
            deletes = any(action.startswith(prefix) for action in rules.listed(statement["Action"]))
            if deletes and resource in str(statement["Resource"]):
                yield function, statement


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_statements_name_themselves_and_grant(function: str) -> None:
    for statement in rules.role_statements(TEMPLATE, function):
        assert statement["Effect"] == "Allow"
        assert statement["Sid"]


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_knows_only_the_resources_that_it_may_use(function: str) -> None:
    given = set(FUNCTIONS[function].get("Environment", {}).get("Variables", {})) - NO_ENDPOINTS
    given.discard("ACCESS_TRAIL_GROUP")  # empty unless there is one (test_optional_grants)
    granted = rules.actions(TEMPLATE, function)
    services = {prefix for a in granted for prefix in ENDPOINTS.values() if a.startswith(prefix)}
    assert {ENDPOINTS[name] for name in given} == services


def test_only_deletion_and_finalization_delete() -> None:
    deleting = {"InstancesFunction", "FinalizeJobFunction", "EraseFunction"}
    # What arrives may replace a file, and takes no entry away.
    storing = {function for function, _ in _deleting("s3:Delete", "instances/")}
    assert storing == deleting | {"IngestFunction", "SweepFunction"}
    # Others delete the record of a job only that they could not start.
    assert deleting == {
        function
        for function, statement in _deleting("dynamodb:DeleteItem", "IndexTable")
        if "Instance#*" in str(statement.get("Condition", "Instance#*"))
    }


def test_targets_are_written_by_those_who_edit_and_read_by_nobody() -> None:
    policy = TEMPLATE["Resources"]["TargetsPolicy"]
    assert policy["Condition"] == "HasTargets"
    assert policy["Properties"]["Roles"] == [{"Ref": "EditBatchRole"}, {"Ref": "IngestRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["s3:PutObject", "s3:AbortMultipartUpload"]
    assert statement["Resource"] == {"Ref": "TargetObjectArns"}
    assert "TargetObjectArns" not in str(
        [resource for name, resource in TEMPLATE["Resources"].items() if name != "TargetsPolicy"]
    )


def test_browsing_writes_nothing_but_answers_that_are_too_large() -> None:
    reads = {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:GetObjectVersion",
    }
    granted = rules.actions(TEMPLATE, "BrowseFunction")
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    answers = {"s3:PutObject", "s3:AbortMultipartUpload", "kms:GenerateDataKey"}
    assert granted <= {*reads, "s3:ListBucket", "kms:Decrypt", *answers, *logs}
    statements = rules.role_statements(TEMPLATE, "BrowseFunction")
    writing = [one["Resource"] for one in statements if "s3:PutObject" in one["Action"]]
    assert writing == [{"Fn::Sub": "${DicomBucket.Arn}/results/*"}]


def test_what_no_route_matches_touches_nothing() -> None:
    granted = rules.actions(TEMPLATE, "UnmatchedFunction")
    assert granted == {"logs:CreateLogStream", "logs:PutLogEvents"}


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_the_key_is_used_through_the_stores_only(function: str) -> None:
    for statement in rules.role_statements(TEMPLATE, function):
        if any(action.startswith("kms:") for action in rules.listed(statement["Action"])):
            via = rules.listed(statement["Condition"]["StringEquals"]["kms:ViaService"])
            stores = {s["Fn::Sub"].split(".")[0] for s in via}
            used = {prefix.rstrip(":") for prefix in _endpoints(function)}
            assert stores <= used
            assert statement["Resource"] != "*"


def _endpoints(function: str) -> set[str]:
    return {action.split(":")[0] for action in rules.actions(TEMPLATE, function)} & {"s3", "dynamodb", "sqs"}


def test_the_api_may_invoke_each_of_its_functions_once() -> None:
    permissions = [
        permission
        for permission in rules.of_type(TEMPLATE, "AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    names = ("PlanJob", "EditBatch", "FinalizeJob", "Erase", "Sweep", "Ingest")
    tasks = {f"{name}Function" for name in names}
    assert sorted(p["FunctionName"]["Ref"] for p in permissions) == sorted(FUNCTIONS.keys() - tasks)
    assert all(p["SourceArn"]["Fn::Sub"].endswith(":${Api}/*") for p in permissions)


@pytest.mark.parametrize("name", ["Erase", "Sweep"])
def test_nobody_but_its_schedule_may_invoke_what_deletes_by_schedule(name: str) -> None:
    (permission,) = (
        permission
        for permission in rules.of_type(TEMPLATE, "AWS::Lambda::Permission").values()
        if permission["FunctionName"] == {"Ref": f"{name}Function"}
    )
    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": [f"{name}Schedule", "Arn"]}
    (target,) = TEMPLATE["Resources"][f"{name}Schedule"]["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [f"{name}Function", "Arn"]}


def test_what_sweeps_deletes_versions_alone_and_changes_no_entry() -> None:
    deleting = [s for s in rules.role_statements(TEMPLATE, "SweepFunction") if "Delete" in str(s["Action"])]
    assert [s["Action"] for s in deleting] == ["s3:DeleteObjectVersion"]
    assert deleting[0]["Resource"] == [
        {"Fn::Sub": f"${{DicomBucket.Arn}}/{folder}/*"} for folder in ("instances", "jobs")
    ]
    granted = rules.actions(TEMPLATE, "SweepFunction")
    assert {a for a in granted if a.startswith("dynamodb:")} == {"dynamodb:BatchGetItem", "dynamodb:Query"}


def test_what_finishes_deletions_stores_nothing_but_that_a_job_was_lost() -> None:
    granted = rules.actions(TEMPLATE, "EraseFunction")
    assert not granted & {"s3:PutObject", "s3:GetObjectVersion", "kms:GenerateDataKey"}
    statements = rules.role_statements(TEMPLATE, "EraseFunction")
    (putting,) = (s for s in statements if "dynamodb:PutItem" in rules.listed(s["Action"]))
    assert putting["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": ["Jobs", "Job#*"]}
    assert {a for a in granted if a.startswith("states:")} == {"states:DescribeExecution"}
    reading = [s for s in statements if "s3:GetObject" in s["Action"]]
    assert [s["Resource"] for s in reading] == [{"Fn::Sub": "${DicomBucket.Arn}/erasures/*"}]


def test_a_distributed_map_may_start_and_follow_its_children() -> None:
    policy = TEMPLATE["Resources"]["DistributedMapPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "ModificationWorkflowRole"}]
    granted = {a for s in policy["PolicyDocument"]["Statement"] for a in rules.listed(s["Action"])}
    assert granted == {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
