"""A request that names many resources asks the index as often as one that names two."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.embedded.sqlite.database import Database
from tests.support.api_client import Client, InlineRunner

MANY = 12


@pytest.fixture
def stored(aws_client: Client, runner: InlineRunner) -> list[dict[str, str]]:
    """Instances of one study, in two series, and one of another study; jobs do not run."""
    runner.is_holding = True
    uploads = [aws_client.upload("ONE", 1, number % 2, number) for number in range(MANY)]
    return [*uploads, aws_client.upload("TWO", 2, 1, 1)]


def calls(client: Client, path: str, body: dict[str, Any]) -> int:
    """Return how many calls of DynamoDB a request takes that is answered with 200."""
    index: Any = client.backend.index
    seen: list[str] = []

    def see(model: Any, **_: Any) -> None:
        seen.append(model.name)

    events = index.catalogue._table._client.meta.events
    events.register("before-call.dynamodb", see)
    assert client.post(path, {**body, "Asynchronous": True}).status == 200
    events.unregister("before-call.dynamodb", see)
    return len(seen)


def test_split_looks_its_sources_up_together(aws_client: Client, stored: list[dict[str, str]]) -> None:
    path = f"/studies/{stored[0]['ParentStudy']}/split"
    ids = [upload["ID"] for upload in stored[:MANY]]
    assert calls(aws_client, path, {"Instances": ids}) == calls(aws_client, path, {"Instances": ids[:2]})


def test_merge_looks_its_sources_up_together(aws_client: Client, stored: list[dict[str, str]]) -> None:
    path = f"/studies/{stored[-1]['ParentStudy']}/merge"
    ids = [upload["ID"] for upload in stored[:MANY]]
    assert calls(aws_client, path, {"Resources": ids}) == calls(aws_client, path, {"Resources": ids[:2]})


def test_images_on_one_machine_are_deleted_together(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [client.upload("PAT", 1, number % 2, number)["ID"] for number in range(MANY)]
    kept = client.upload("PAT", 1, 1, MANY)
    commits: list[bool] = []
    write = Database.write

    def counted(database: Database, *, durable: bool = False) -> Any:
        commits.append(durable)
        return write(database, durable=durable)

    monkeypatch.setattr(Database, "write", counted)
    assert client.post("/tools/bulk-delete", {"Resources": named}).status == 200
    assert commits.count(True) == 1
    assert client.get("/instances").json == [kept["ID"]]
    assert len(client.stored_files()) == 1


def test_what_does_not_exist_is_deleted_together(aws_client: Client) -> None:
    unknown = [f"{number:08}" for number in range(MANY)]
    many = calls(aws_client, "/tools/bulk-delete", {"Resources": unknown})
    assert many == calls(aws_client, "/tools/bulk-delete", {"Resources": unknown[:2]})
