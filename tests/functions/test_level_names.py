"""The names of levels in requests: case does not matter, and several mean the same (spec 1.1)."""

from __future__ import annotations

import pytest

from tests.support.api_client import Client

NAMES = {
    "Patient": ("patient", "Patients"),
    "Study": ("STUDY", "studies"),
    "Series": ("series", "SERIES"),
    "Instance": ("instance", "Instances", "image", "IMAGES"),
}
EACH_NAME = [(level, name) for level, names in NAMES.items() for name in names]


@pytest.fixture
def stored(client: Client) -> dict[str, str]:
    return client.upload("ONE", 1, 1, 1)


@pytest.mark.parametrize(("level", "name"), EACH_NAME)
def test_content_is_mapped_to_a_level_of_any_name(
    client: Client, stored: dict[str, str], level: str, name: str
) -> None:
    found = client.post("/tools/bulk-content", {"Resources": [stored["ParentSeries"]], "Level": name}).json
    assert [resource["Type"] for resource in found] == [level]


@pytest.mark.parametrize(("name", "series"), [("SERIES", 2), ("images", 1)])
def test_a_modification_has_a_level_of_any_name(
    client: Client, stored: dict[str, str], name: str, series: int
) -> None:
    answer = client.post("/tools/bulk-modify", {"Resources": [stored["ID"]], "Level": name})
    assert answer.status == 200
    assert len(client.get("/series").json) == series
    assert len(client.get("/instances").json) == 2


@pytest.mark.parametrize("name", ["series", "Series"])
def test_a_resource_is_deleted_at_a_level_of_any_name(
    client: Client, stored: dict[str, str], name: str
) -> None:
    items = [{"Level": name, "ID": stored["ParentSeries"]}]
    assert client.post("/tools/bulk-delete", {"Resources": items}).status == 200
    assert client.get("/patients").json == []


@pytest.mark.parametrize(("name", "code"), [("Frame", 3), ("", 3), (3, 15), (None, 15), (["Study"], 15)])
@pytest.mark.parametrize("tool", ["bulk-content", "bulk-modify"])
def test_what_names_no_level_is_refused(
    client: Client, stored: dict[str, str], tool: str, name: object, code: int
) -> None:
    answer = client.post(f"/tools/{tool}", {"Resources": [stored["ID"]], "Level": name})
    assert answer.error == (400, code)
    assert client.get("/jobs").json == []


def test_nothing_is_deleted_at_a_level_that_is_none(client: Client, stored: dict[str, str]) -> None:
    items = [stored["ID"], {"Level": "Frame", "ID": stored["ID"]}]
    assert client.post("/tools/bulk-delete", {"Resources": items}).error == (400, 3)
    assert client.get("/instances").json == [stored["ID"]]
