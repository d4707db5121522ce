"""What an operator would trust: limits, logs, storage, and the linter's word."""

import json
from typing import Any

import pytest

from local.template import TEMPLATE, read_template

RESOURCES = read_template()["Resources"]
API = RESOURCES["Api"]["Properties"]
RESERVE = 0.8  # a fifth of every limit stays free


def _of_type(name: str) -> dict[str, dict[str, Any]]:
    return {key: r["Properties"] for key, r in RESOURCES.items() if r["Type"] == name}


def test_the_stack_stays_below_500_resources() -> None:
    # SAM makes a role for each function and state machine, and an API with stage and deployment.
    roles = len(_of_type("AWS::Serverless::Function")) + len(_of_type("AWS::Serverless::StateMachine"))
    assert len(RESOURCES) + roles + 2 < 500 * RESERVE


def test_the_api_stays_below_300_resources() -> None:
    # API Gateway counts every node of the tree of paths, whether it has a method or not.
    nodes = set()
    for path in API["DefinitionBody"]["paths"]:
        parts = path.split("/")
        nodes |= {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}
    assert len(nodes) < 300 * RESERVE


def test_a_function_has_one_permission_for_the_whole_api() -> None:
    for permission in _of_type("AWS::Lambda::Permission").values():
        assert permission["SourceArn"]["Fn::Sub"].endswith(":${Api}/*")


def test_every_function_has_a_log_group_with_retention() -> None:
    groups = _of_type("AWS::Logs::LogGroup")
    used = [
        function["LoggingConfig"]["LogGroup"]["Ref"]
        for function in _of_type("AWS::Serverless::Function").values()
    ]
    assert len(used) == len(set(used))
    for name in used:
        assert groups[name]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_neither_the_workflow_nor_the_api_logs_what_passes_through() -> None:
    (workflow,) = _of_type("AWS::Serverless::StateMachine").values()
    assert workflow["Logging"]["IncludeExecutionData"] is False
    assert [settings["DataTraceEnabled"] for settings in API["MethodSettings"]] == [False]
    variables = read_template()["Globals"]["Function"]["Environment"]["Variables"]
    assert "POWERTOOLS_LOGGER_LOG_EVENT" not in variables


def test_the_bucket_is_closed_versioned_and_encrypted() -> None:
    bucket = RESOURCES["DicomBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (statement,) = RESOURCES["DicomBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_table_is_encrypted_and_can_be_restored() -> None:
    table = RESOURCES["IndexTable"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("name", ["DicomBucket", "IndexTable"])
def test_data_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_bodies_pass_the_api_as_they_are() -> None:
    assert API["DefinitionBody"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_the_gateways_own_errors_look_like_orthancs() -> None:
    responses = API["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    assert {"MISSING_AUTHENTICATION_TOKEN", "ACCESS_DENIED", "REQUEST_TOO_LARGE", "DEFAULT_5XX"} <= set(
        responses
    )
    for response in responses.values():
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body.keys() == {
            "HttpError", "HttpStatus", "Message", "Method", "OrthancError", "OrthancStatus", "Uri",
        }  # fmt: skip
        assert str(body["HttpStatus"]) == response.get("statusCode", "400")


def test_the_state_machine_gets_every_substitution_that_it_names() -> None:
    (workflow,) = _of_type("AWS::Serverless::StateMachine").values()
    definition = (TEMPLATE.parent / workflow["DefinitionUri"]).read_text()
    named = {part.split("}")[0] for part in definition.split("${")[1:]}
    assert named == set(workflow["DefinitionSubstitutions"])
