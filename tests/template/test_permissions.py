"""What each function may do, as the template grants it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.template import TEMPLATE, _TemplateLoader, read_template

RESOURCES = read_template()["Resources"]
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
ENDPOINTS = {
    "INDEX_TABLE_NAME": "dynamodb:",
    "DICOM_BUCKET_NAME": "s3:",
    "MODIFICATION_WORKFLOW_ARN": "states:",
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in properties.get("Policies", []):
        yield from policy["Statement"]


def _actions(function: str) -> set[str]:
    return {a for s in _statements(FUNCTIONS[function]) for a in _listed(s["Action"])}


def _scalars_of_statements(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, int, str]]:
    """Yield each action and resource of the template with its line and the key it stands under."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars_of_statements(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars_of_statements(value, path)
    elif "Statement" in path and path[-1] in ("Action", "Resource"):
        yield path[-1], node.start_mark.line, node.value


def test_a_wildcard_needs_a_reason_beside_it() -> None:
    text = TEMPLATE.read_text()
    lines = text.splitlines()
    document = yaml.compose(text, _TemplateLoader)
    assert document is not None
    found = list(_scalars_of_statements(document))
    assert len(found) > 100
    wide = [
        lines[line]
        for key, line, value in found
        if (key == "Action" and "*" in value)
        or (key == "Resource" and value in ("*", "${DicomBucket.Arn}/*"))
    ]
    refusal = "- !Sub ${DicomBucket.Arn}/*"  # of plain HTTP, where being wide is being safe
    assert [line for line in wide if "# wildcard: " not in line and line.strip() != refusal] == []


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_statements_name_themselves_and_grant(function: str) -> None:
    for statement in _statements(FUNCTIONS[function]):
        assert statement["Effect"] == "Allow"
        assert statement["Sid"]


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_knows_only_the_resources_that_it_may_use(function: str) -> None:
    given = set(FUNCTIONS[function].get("Environment", {}).get("Variables", {}))
    services = {prefix for a in _actions(function) for prefix in ENDPOINTS.values() if a.startswith(prefix)}
    assert {ENDPOINTS[name] for name in given} == services


def test_only_deletion_and_finalization_delete() -> None:
    deleting = {
        function
        for function in FUNCTIONS
        for statement in _statements(FUNCTIONS[function])
        for action in _listed(statement["Action"])
        if action.startswith("s3:Delete") and "instances/" in str(statement["Resource"])
    }
    assert deleting == {"InstancesFunction", "FinalizeJobFunction"}


def test_reading_functions_write_nothing() -> None:
    reads = (
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:GetObjectVersion",
    )
    for function in ("BrowseFunction", "JobsFunction"):
        assert _actions(function) <= {*reads, "s3:ListBucket"}


def test_requests_are_signed_on_every_route() -> None:
    api = RESOURCES["Api"]["Properties"]
    assert api["Auth"] == {"DefaultAuthorizer": "AWS_IAM"}
    operations = [o for path in api["DefinitionBody"]["paths"].values() for o in path.values()]
    assert not any(
        "security" in operation or "x-amazon-apigateway-auth" in operation for operation in operations
    )


def test_the_api_may_invoke_each_of_its_functions_once() -> None:
    invoked = [
        r["Properties"]["FunctionName"]["Ref"]
        for r in RESOURCES.values()
        if r["Type"] == "AWS::Lambda::Permission"
    ]
    tasks = {"PlanJobFunction", "EditBatchFunction", "FinalizeJobFunction"}
    assert sorted(invoked) == sorted(FUNCTIONS.keys() - tasks)


def test_a_distributed_map_may_start_and_follow_its_children() -> None:
    policy = RESOURCES["DistributedMapPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "ModificationWorkflowRole"}]
    granted = {a for s in policy["PolicyDocument"]["Statement"] for a in _listed(s["Action"])}
    assert granted == {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
