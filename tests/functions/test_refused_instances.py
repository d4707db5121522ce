"""Images that cannot be made safe, as clients ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api_client import Client
from tests.support.risky_images import CT, JPIP, SLIDE, US, Image, image_type, label_in_image, text

OVERVIEW, LABEL = (image_type(f"ORIGINAL\\PRIMARY\\{flavour}\\NONE") for flavour in ("OVERVIEW", "LABEL"))
URL = text(0x00287FE0, "http://x.test/Doe^Jane", "UR")
REFUSED = {
    "SlideLabel": Image(SLIDE, [LABEL]),
    "SlideOverview": Image(SLIDE, [OVERVIEW]),
    "SpecimenLabelInImage": Image(CT, [label_in_image("YES")]),
    "PixelDataElsewhere": Image(CT, [URL], syntax=JPIP, has_pixels=False),
}


@pytest.fixture(autouse=True)
def _conformant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomorph.deid.compilation.is_conformant", bool)  # any of an anonymization


def stored(client: Client, image: Image, **numbers: int) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/instances", image.file(**numbers)).json
    return found


@pytest.mark.parametrize("reason", REFUSED)
def test_an_instance_is_refused_with_the_reason(client: Client, reason: str) -> None:
    path = stored(client, REFUSED[reason])["Path"]
    before = client.stored_files()
    answer = client.post(f"{path}/anonymize", {})
    assert answer.error == (400, 8)
    assert answer.json["Details"].startswith(f"{reason}: ")
    assert b"Doe" not in answer.body
    assert client.stored_files() == before
    assert client.get(f"{path}/file").status == 200


@pytest.mark.parametrize("reason", REFUSED)
def test_modifying_refuses_nothing(client: Client, reason: str) -> None:
    path = stored(client, REFUSED[reason])["Path"]
    assert client.post(f"{path}/modify", {}).status == 200


@pytest.mark.parametrize("reason", REFUSED)
def test_a_study_is_answered_with_what_was_refused(client: Client, reason: str) -> None:
    study = stored(client, REFUSED[reason])["ParentStudy"]
    stored(client, Image(US), instance=2)
    content = client.post(f"/studies/{study}/anonymize", {"KeepSource": False}).json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (2, 0)
    assert (content["Refused"], content["Flags"]) == ({reason: 1}, {"Ultrasound": 1})
    assert client.get(f"/studies/{content['ID']}").status == 200
    assert len(client.get(f"/studies/{study}/instances").json) == 1
    assert client.get("/statistics").json["CountInstances"] == 2


def test_a_study_of_refused_instances_alone_is_answered_without_a_product(client: Client) -> None:
    study = stored(client, REFUSED["SlideLabel"])["ParentStudy"]
    answer = client.post(f"/studies/{study}/anonymize", {})
    assert answer.status == 200
    assert answer.json["Refused"] == {"SlideLabel": 1}
    assert "ID" not in answer.json
    assert client.get("/statistics").json["CountInstances"] == 1
