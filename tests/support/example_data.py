"""The store of docs/examples.md, filled by a client of the tests."""

from __future__ import annotations

from local.example_data import store_examples
from tests.support.api_client import Client


def upload_examples(client: Client) -> tuple[dict[str, str], dict[str, bytes]]:
    """Store the images; return the Orthanc ids by the names that the page gives them, and the files by id."""

    def upload(content: bytes) -> dict[str, str]:
        answer = client.post("/instances", content)
        assert answer.status == 200
        stored: dict[str, str] = answer.json
        return stored

    return store_examples(upload)
