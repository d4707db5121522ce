"""The operations manual copies back what was deleted, from a table that was restored."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

PAGE = Path(__file__).parents[2] / "docs/operations/recover.md"


def script() -> str:
    """Return what the section gives to Python."""
    section = PAGE.read_text("utf-8").partition("### Undo a deletion")[2]
    found = re.search(r"^    \S*python - \$TABLE <<'END'\n(.*?)^    END$", section, re.MULTILINE | re.DOTALL)
    assert found
    return textwrap.dedent(found[1])


def table(client: Any, name: str, *keys: str) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for key in keys:
        client.put_item(TableName=name, Item={"PK": {"S": key}, "From": {"S": name}})


@mock_aws
def test_items_of_the_restored_table_are_copied_back_but_those_of_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("dynamodb")
    table(client, "restored", "Instance#1", "Study#1", "Job#1", "Counter#1")
    table(client, "index", "Instance#2", "Study#1", "Counter#1")
    monkeypatch.setattr(sys, "argv", ["-", "index"])
    exec(script(), {})  # noqa: S102 - of our own page
    found = {item["PK"]["S"]: item["From"]["S"] for item in client.scan(TableName="index")["Items"]}
    client.close()
    assert found == {
        "Instance#1": "restored",
        "Instance#2": "index",
        "Study#1": "restored",
        "Counter#1": "index",
    }
