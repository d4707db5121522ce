"""Images that cannot be made safe, as clients ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import Client
from tests.support.risky_images import CT, JPIP, SLIDE, US, Image, burned_in, image_type, label_in_image, text

NEWEST = {"DicomVersion": "2026d"}
OVERVIEW, LABEL = (image_type(f"ORIGINAL\\PRIMARY\\{flavour}\\NONE") for flavour in ("OVERVIEW", "LABEL"))
URL = text(0x00287FE0, "http://x.test/Doe^Jane", "UR")
REFUSED = {
    "SlideLabel": Image(SLIDE, [LABEL]),
    "SlideOverview": Image(SLIDE, [OVERVIEW]),
    "SpecimenLabelInImage": Image(CT, [label_in_image("YES")]),
    "PixelDataElsewhere": Image(CT, [URL], syntax=JPIP, has_pixels=False),
}


def stored(client: Client, image: Image, **numbers: int) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/instances", image.file(**numbers)).json
    return found


@pytest.mark.parametrize("reason", REFUSED)
def test_an_instance_is_refused_with_the_reason(client: Client, reason: str) -> None:
    path = stored(client, REFUSED[reason])["Path"]
    before = client.stored_files()
    answer = client.post(f"{path}/anonymize", NEWEST)
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
    content = client.post(f"/studies/{study}/anonymize", {**NEWEST, "KeepSource": False}).json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (2, 0)
    assert (content["Refused"], content["Flags"]) == ({reason: 1}, {"Ultrasound": 1})
    assert client.get(f"/studies/{content['ID']}").status == 200
    assert len(client.get(f"/studies/{study}/instances").json) == 1
    assert client.get("/statistics").json["CountInstances"] == 2


def test_a_study_of_refused_instances_alone_is_answered_without_a_product(client: Client) -> None:
    study = stored(client, REFUSED["SlideLabel"])["ParentStudy"]
    answer = client.post(f"/studies/{study}/anonymize", NEWEST)
    assert answer.status == 200
    assert answer.json["Refused"] == {"SlideLabel": 1}
    assert "ID" not in answer.json
    assert client.get("/statistics").json["CountInstances"] == 1


def test_what_may_have_text_burned_in_is_refused_if_the_request_says_so(client: Client) -> None:
    found = stored(client, Image(US))
    body = {**NEWEST, "Profile": {"RefuseBurnedIn": True}}
    answer = client.post(f"{found['Path']}/anonymize", body)
    assert answer.error == (400, 8)
    assert answer.json["Details"].startswith("Ultrasound: ")
    stored(client, Image(US, [burned_in("NO")]), instance=2)
    content = client.post(f"/studies/{found['ParentStudy']}/anonymize", body).json
    assert (content["Refused"], content["Flags"]) == ({"Ultrasound": 1}, {"DeclaredCleanBySource": 1})
    assert client.post(f"{found['Path']}/anonymize", NEWEST).status == 200


def test_so_it_is_by_preset_and_by_setting(make_client: Callable[..., Client]) -> None:
    client = make_client(refuse_burned_in=True)
    path = stored(client, Image(US))["Path"]
    safe = {"Profile": {"Preset": "SafeHarbor"}}
    assert client.post(f"{path}/anonymize", NEWEST).error == (400, 8)
    assert client.post(f"{path}/anonymize", safe).error == (400, 8)
    allowed = {**NEWEST, "Profile": {"RefuseBurnedIn": False}}
    assert client.post(f"{path}/anonymize", allowed).status == 200
    assert client.post(f"{path}/anonymize", {"DicomVersion": "2023b"}).status == 200
