"""Deploy what was built:  make deploy.

The first time SAM asks for everything and keeps the answers in samconfig.toml; from then on nothing is asked.
Before that, it is told in one line what SAM would answer with a traceback or half an hour later with a
rollback: credentials that are missing, an account that is not prepared.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.template import read_template
from tools.built_stack import BUILD

CONFIGURATION = Path("samconfig.toml")

# Stacks that CloudFormation knows by name only, since no deployment was confirmed.
_NOT_THERE = {None, "REVIEW_IN_PROGRESS"}
_NEVER_STOOD = {"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
_KEYS = re.compile(r"\b(KmsKeyArn|FormerKeyArns)=[\"'\\]*([^\s\"'\\]*)")

_NO_CREDENTIALS = (
    "AWS did not let you in ({error}): run 'aws configure sso' or 'aws configure', or set AWS_PROFILE;"
    " then again."
)
_NO_REGION = "No region: set AWS_DEFAULT_REGION, or name one in ~/.aws/config."
_ROLLED_BACK = (
    "The first deployment of {stack} was rolled back, because:\n{reasons}\n"
    "Nothing was stored yet, and CloudFormation updates no such stack. Remove what is left of it:\n"
    "  .venv-sam/bin/sam delete --stack-name {stack} --region {region}\n"
    "then mend the reason, and deploy again."
)
_STUCK = (
    "An update of {stack} could not be undone, because:\n{reasons}\nMend the reason, then:\n"
    "  aws cloudformation continue-update-rollback --stack-name {stack} --region {region}\n"
    "and deploy again."
)
_BUSY = "CloudFormation is at work on {stack} ({status}): wait for its end, then again."
_LOST_KEYS = (
    "What is stored with {keys} would be unreadable: the new parameters do not name that key."
    " Add it to FormerKeyArns (docs/operations/deploy.md, 'Another key')."
)
_HAS_LOG_ROLE = (
    "API Gateway has a role for its logs in this account and region already:"
    " answer false to CreateApiLogRole, or the stack's takes its place."
)
_FEW_LAMBDAS = (
    "This account runs {limit} Lambda functions at a time, which jobs and the API share:"
    " ask for more (docs/operations/costs.md, 'Quotas')."
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a stack meets in an account and region.

    Parameters
    ----------
    concurrency : int
        Lambda functions that may run at the same time.
    log_role : str
        The ARN of the role with which API Gateway writes logs, if there is one.
    """

    concurrency: int
    log_role: str | None


@dataclass(frozen=True, slots=True)
class Stack:
    """What CloudFormation knows of a stack.

    Parameters
    ----------
    status : str, optional
        None if there is no such stack.
    parameters, outputs : Mapping[str, str]
        As it stands.
    """

    status: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> None:
    """Look at the account, then hand over to SAM with the given arguments."""
    if not (BUILD / "template.yaml").is_file():
        raise SystemExit("Nothing is built yet: run 'make build'.")
    parameters = read_parameters(tomllib.loads(CONFIGURATION.read_text(encoding="utf-8")), arguments)
    session = open_session(parameters)
    stack = read_stack(session, parameters["stack_name"])
    if problem := obstacle(session, parameters["stack_name"], stack):
        raise SystemExit(problem)
    if lost := lost_keys(stack, parameters.get("parameter_overrides", "")):
        raise SystemExit(_LOST_KEYS.format(keys=" and ".join(lost)))
    is_first = stack.status in _NOT_THERE
    if is_first and (account := read_account(session)):
        for note in notes(account, read_template(BUILD / "template.yaml")):
            print(f"Note: {note}")
    manner = "--guided" if is_first else "--no-confirm-changeset"
    sam = str(Path(sys.executable).with_name("sam"))
    raise SystemExit(subprocess.run([sam, "deploy", manner, *arguments], check=False).returncode)


def read_parameters(configuration: Mapping[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Return what SAM will be told: by its file, or by arguments, which come first."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-env", default="default")
    for name in ("--stack-name", "--region", "--profile"):
        parser.add_argument(name)
    parser.add_argument("--parameter-overrides", nargs="+")
    given = vars(parser.parse_known_args(arguments)[0])
    environment = given.pop("config_env")
    try:
        written = dict(configuration[environment]["deploy"]["parameters"])
    except KeyError:
        raise SystemExit(f"{CONFIGURATION} has no section [{environment}.deploy.parameters].") from None
    return written | {name: value for name, value in given.items() if value is not None}


def open_session(parameters: dict[str, Any]) -> boto3.Session:
    """Return a session whose credentials AWS accepts.

    Raises
    ------
    SystemExit
        In one line, if there are none, if they are refused, or if no region is known.
    """
    try:
        session = boto3.Session(profile_name=parameters.get("profile"), region_name=parameters.get("region"))
        if session.region_name is None:
            raise SystemExit(_NO_REGION)
        session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(_NO_CREDENTIALS.format(error=error)) from error
    return session


def read_stack(session: boto3.Session, name: str) -> Stack:
    """Return what CloudFormation knows of a stack."""
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return Stack(None)
        raise SystemExit(f"CloudFormation: {error}") from error
    return Stack(
        str(stack["StackStatus"]),
        {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())},
        {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())},
    )


def obstacle(session: boto3.Session, name: str, stack: Stack) -> str:
    """Return why a stack cannot be deployed as it is, and what to do; empty if it can."""
    status = stack.status or ""
    if status in _NOT_THERE:
        return ""
    if status in _NEVER_STOOD or status == "UPDATE_ROLLBACK_FAILED":
        pages = session.client("cloudformation").get_paginator("describe_stack_events")
        events = [dict(event) for page in pages.paginate(StackName=name) for event in page["StackEvents"]]
        text = _STUCK if status == "UPDATE_ROLLBACK_FAILED" else _ROLLED_BACK
        return text.format(stack=name, region=session.region_name, reasons=reasons(events))
    return _BUSY.format(stack=name, status=status) if status.endswith("_IN_PROGRESS") else ""


def reasons(events: Iterable[Mapping[str, Any]]) -> str:
    """Return what failed by itself and why, a line each; the newest event comes first, as AWS lists them.

    What CloudFormation cancelled for it is left out.
    """
    lines = [
        f"  {event.get('LogicalResourceId')}: {event['ResourceStatusReason']}"
        for event in events
        if str(event.get("ResourceStatus", "")).endswith("_FAILED")
        and event.get("ResourceStatusReason")
        and "cancelled" not in event["ResourceStatusReason"].lower()
    ]
    return "\n".join(dict.fromkeys(reversed(lines))) or "  (CloudFormation names no reason)"


def lost_keys(stack: Stack, overrides: object) -> list[str]:
    """Return the keys that data are stored with, and that the stack would no longer be allowed to use.

    Parameters
    ----------
    overrides : object
        The parameters that SAM is told, as a text or as a list of texts; others stay as they are.
    """
    given = dict(_KEYS.findall(overrides if isinstance(overrides, str) else " ".join(map(str, overrides))))  # type: ignore[call-overload]
    after = {**stack.parameters, **given}
    current = stack.outputs.get("DataKeyArn", "")
    named = {after.get("KmsKeyArn", ""), *after.get("FormerKeyArns", "").split(",")}
    if after.get("KmsKeyArn", "") == stack.parameters.get("KmsKeyArn", ""):
        named.add(current)
    held = [current, *stack.parameters.get("FormerKeyArns", "").split(",")]
    return [key for key in dict.fromkeys(held) if key and key not in named]


def read_account(session: boto3.Session) -> Account | None:
    """Return what a stack meets in this account and region; None if one may not ask."""
    try:
        limits = session.client("lambda").get_account_settings()["AccountLimit"]
        settings = session.client("apigateway").get_account()
    except (BotoCoreError, ClientError):
        return None
    return Account(limits["ConcurrentExecutions"], settings.get("cloudwatchRoleArn"))


def notes(account: Account, template: dict[str, Any]) -> Iterator[str]:
    """Yield what a first deployment would stumble over."""
    if account.concurrency < 2 * template["Parameters"]["MaxConcurrency"]["Default"]:
        yield _FEW_LAMBDAS.format(limit=account.concurrency)
    if account.log_role:
        yield _HAS_LOG_ROLE


if __name__ == "__main__":
    main(sys.argv[1:])
