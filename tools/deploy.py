"""Deploy what was built:  make deploy.

The first time SAM asks for everything and keeps the answers in samconfig.toml; from then on nothing is asked.
Before that, it is told in one line what SAM would answer with a traceback or half an hour later with a
rollback: credentials that are missing, an account that is not prepared.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.template import read_template
from tools.built_stack import BUILD

CONFIGURATION = Path("samconfig.toml")

# Stacks that CloudFormation knows by name only, since no deployment was confirmed.
_NOT_THERE = {None, "REVIEW_IN_PROGRESS"}

_NO_CREDENTIALS = (
    "AWS did not let you in ({error}): run 'aws configure sso' or 'aws configure', or set AWS_PROFILE;"
    " then again."
)
_NO_REGION = "No region: set AWS_DEFAULT_REGION, or name one in ~/.aws/config."
_ROLLED_BACK = "The first deployment of {stack} was rolled back. Remove it with 'sam delete', then again."
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


def main(arguments: list[str]) -> None:
    """Look at the account, then hand over to SAM with the given arguments."""
    if not (BUILD / "template.yaml").is_file():
        raise SystemExit("Nothing is built yet: run 'make build'.")
    parameters = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))["default"]["deploy"]["parameters"]
    session = open_session(parameters)
    status = stack_status(session, parameters["stack_name"])
    if status == "ROLLBACK_COMPLETE":
        raise SystemExit(_ROLLED_BACK.format(stack=parameters["stack_name"]))
    is_first = status in _NOT_THERE
    if is_first and (account := read_account(session)):
        for note in notes(account, read_template(BUILD / "template.yaml")):
            print(f"Note: {note}")
    manner = "--guided" if is_first else "--no-confirm-changeset"
    sam = str(Path(sys.executable).with_name("sam"))
    raise SystemExit(subprocess.run([sam, "deploy", manner, *arguments], check=False).returncode)


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


def stack_status(session: boto3.Session, name: str) -> str | None:
    """Return CloudFormation's status of a stack; None if there is none."""
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise SystemExit(f"CloudFormation: {error}") from error
    return str(stack["StackStatus"])


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
