"""The Python script of docs/uploading.md, with a file that goes to S3 in parts."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dicomorph.services.uploads.settle import settle, stored
from tests.support.api_client import Client

SCRIPT = Path(__file__).parents[2] / "docs/uploading/upload.py"
MIB = 1 << 20


@dataclass
class Session:
    """Stands for a signing session: calls handlers, asks for parts, and has what came taken in."""

    client: Client
    calls: list[str] = field(default_factory=list)

    def request(self, method: str, address: str, json: dict[str, Any] | None) -> Session:
        path = urlsplit(address).path
        self.calls.append(method)
        if path == "/uploads" and json is not None:
            json = {**json, "PartSize": 5 * MIB}
        self._answer = self.client.call(method, path, json or b"")
        if self.calls[-2:] == ["GET", "GET"]:
            settle(self.client.backend, path.rpartition("/")[2], stored([]))
        return self

    def raise_for_status(self) -> None:
        assert self._answer.status == 200, self._answer.body

    def json(self) -> Any:
        return self._answer.json


def test_a_file_is_sent_in_parts_and_waited_for(
    aws_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("upload", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script.time, "sleep", lambda _: None)
    data = bytes(5 * MIB) + b"the end"
    (tmp_path / "large.dcm").write_bytes(data)
    session = Session(aws_client)
    found = script.upload("https://api.example.org", tmp_path / "large.dcm", session)
    assert found["State"] == "Success"
    assert session.calls == ["POST", "POST", "GET", "GET", "GET"]
    assert aws_client.backend.objects.get(f"incoming/uploads/{found['ID']}") == data
