"""What `make deploy` says instead of a traceback, a rollback, or data that nobody can read any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.quick_moto import quick_aws
from tools import deploy
from tools.deploy import Stack, lost_keys, obstacle, read_parameters, reasons

ROOT = Path(__file__).parents[2]
CONFIGURATION = {
    "default": {"deploy": {"parameters": {"stack_name": "dicomorph", "parameter_overrides": "KmsKeyArn=x"}}},
    "test": {"deploy": {"parameters": {"stack_name": "dicomorph-test", "region": "eu-west-1"}}},
}
OURS, THEIRS, OLD = (
    f"arn:aws:kms:eu-central-1:123456789012:key/{name}" for name in ("ours", "theirs", "old")
)


def test_arguments_come_before_the_file() -> None:
    assert read_parameters(CONFIGURATION, [])["stack_name"] == "dicomorph"
    assert read_parameters(CONFIGURATION, ["--config-env", "test"])["stack_name"] == "dicomorph-test"
    given = read_parameters(
        CONFIGURATION, ["--parameter-overrides", "A=1", "B=2", "--stack-name", "x", "--no-execute-changeset"]
    )
    assert (given["stack_name"], given["parameter_overrides"]) == ("x", ["A=1", "B=2"])
    with pytest.raises(SystemExit, match=r"no section \[prod\.deploy\.parameters\]"):
        read_parameters(CONFIGURATION, ["--config-env", "prod"])


@pytest.mark.parametrize(
    ("before", "overrides", "lost"),
    [
        ({}, "", []),
        ({}, 'MaxConcurrency=5 Settings="{\\"StableAge\\":1}"', []),
        ({}, f"KmsKeyArn={THEIRS}", [OURS]),
        ({}, f'KmsKeyArn="{THEIRS}" MaxConcurrency="5"', [OURS]),
        ({}, [f"KmsKeyArn={THEIRS}", "FormerKeyArns=x"], [OURS]),
        ({}, f"KmsKeyArn={THEIRS} FormerKeyArns={OURS}", []),
        ({}, [f"KmsKeyArn={THEIRS}", f"FormerKeyArns={OLD},{OURS}"], []),
        ({}, f"KmsKeyArn={OURS}", []),
        ({"KmsKeyArn": OURS}, "", []),
        ({"KmsKeyArn": OURS}, 'KmsKeyArn=""', [OURS]),
        ({"KmsKeyArn": OURS}, f'KmsKeyArn="" FormerKeyArns={OURS}', []),
        ({"KmsKeyArn": OURS, "FormerKeyArns": OLD}, f"KmsKeyArn={OURS}", []),
        ({"KmsKeyArn": OURS, "FormerKeyArns": OLD}, f"KmsKeyArn={THEIRS} FormerKeyArns={OURS}", [OLD]),
        ({"KmsKeyArn": OURS, "FormerKeyArns": OLD}, 'FormerKeyArns=""', [OLD]),
        ({"KmsKeyArn": OURS, "FormerKeyArns": OLD}, f"KmsKeyArn={OLD}", [OURS]),
    ],
)  # fmt: skip
def test_a_key_that_data_are_stored_with_is_not_given_up(
    before: dict[str, str], overrides: object, lost: list[str]
) -> None:
    assert lost_keys(Stack("UPDATE_COMPLETE", before, {"DataKeyArn": OURS}), overrides) == lost


def test_a_first_deployment_gives_up_nothing() -> None:
    assert lost_keys(Stack(None), f"KmsKeyArn={THEIRS}") == []


EVENTS = [
    {"LogicalResourceId": name, "ResourceStatus": status, "ResourceStatusReason": reason}
    for name, status, reason in (
        ("dicomorph", "ROLLBACK_COMPLETE", ""),
        ("BrowseRole", "CREATE_FAILED", "Resource creation cancelled"),
        ("Api", "CREATE_FAILED", "No role for logs"),
        ("IndexTable", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("DataKey", "CREATE_FAILED", "Access denied"),
    )
]


def test_what_failed_by_itself_is_told_in_the_order_in_which_it_failed() -> None:
    assert reasons(EVENTS) == "  DataKey: Access denied\n  Api: No role for logs"
    assert "no reason" in reasons([])


@pytest.fixture
def session() -> Iterator[boto3.Session]:
    with quick_aws():
        session = boto3.Session()
        bucket = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
        session.client("cloudformation").create_stack(StackName="dicomorph", TemplateBody=bucket)
        yield session


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"])
def test_a_stack_that_never_stood_is_to_be_removed_with_the_command_that_make_installs(
    session: boto3.Session, status: str
) -> None:
    told = obstacle(session, "dicomorph", Stack(status))
    assert f".venv-sam/bin/sam delete --stack-name dicomorph --region {session.region_name}" in told
    assert (ROOT / "tools/environment").read_text().count(".venv-sam") > 0


@pytest.mark.parametrize(
    ("status", "told"),
    [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("UPDATE_IN_PROGRESS", "wait"),
     ("UPDATE_ROLLBACK_IN_PROGRESS", "wait"), ("CREATE_IN_PROGRESS", "wait")],
)  # fmt: skip
def test_a_stack_that_cannot_be_updated_says_what_to_do(
    session: boto3.Session, status: str, told: str
) -> None:
    assert told in obstacle(session, "dicomorph", Stack(status))


@pytest.mark.parametrize(
    "status", [None, "REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_others_are_deployed(session: boto3.Session, status: str | None) -> None:
    assert obstacle(session, "dicomorph", Stack(status)) == ""


def test_parameters_and_outputs_are_read(session: boto3.Session) -> None:
    template: dict[str, Any] = {
        "Parameters": {"KmsKeyArn": {"Type": "String", "Default": ""}},
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {"DataKeyArn": {"Value": {"Ref": "KmsKeyArn"}}},
    }
    session.client("cloudformation").create_stack(
        StackName="keyed",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "KmsKeyArn", "ParameterValue": OURS}],
    )
    stack = deploy.read_stack(session, "keyed")
    assert (stack.parameters["KmsKeyArn"], stack.outputs["DataKeyArn"]) == (OURS, OURS)
