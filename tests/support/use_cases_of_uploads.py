"""What clients do with files that go past the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from tests.support.recorded_stack import RecordedStack

_PART = 5 << 20


def upload_whole(cloud: RecordedStack) -> None:
    """A file at one address, which is looked at, offered for longer, sent, and given up."""
    offer = _begin(cloud, {"Size": 5})
    assert cloud.get(offer["Path"]).json["State"] == "Pending"
    again = cloud.post(f"{offer['Path']}/renew").json
    _send(again, b"DICOM")
    assert cloud.post(f"{offer['Path']}/complete").status == 200
    assert cloud.delete(offer["Path"]).status == 200


def upload_parts(cloud: RecordedStack) -> None:
    """A file in parts: one of them at first, then the other; completed twice, or given up."""
    for is_completed in (True, False):
        offer = _begin(cloud, {"Size": _PART + 3, "PartSize": _PART})
        _send(offer["Parts"][0], bytes(_PART))
        assert cloud.post(offer["Complete"]).status == 400
        [missing] = cloud.post(f"{offer['Path']}/renew").json["Parts"]
        if is_completed:
            _send(missing, b"end")
            for _ in range(2):
                assert cloud.post(offer["Complete"]).status == 200
        assert cloud.delete(offer["Path"]).status == 200


def wait_for_nothing(cloud: RecordedStack) -> None:
    """An upload that has expired: whether its file waits to be taken in has to be looked up."""
    offer = _begin(cloud, {"Size": 5})
    late = cloud.backend.now() + timedelta(days=1)
    with cloud.changed(now=lambda: late):
        assert cloud.get(offer["Path"]).json["State"] == "Failure"


def _begin(cloud: RecordedStack, announced: dict[str, Any]) -> dict[str, Any]:
    answer = cloud.post("/uploads", announced)
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def _send(place: dict[str, Any], data: bytes) -> None:
    assert requests.put(place["Url"], data=data, headers=place["Headers"], timeout=5).status_code == 200


USE_CASES_OF_UPLOADS = (upload_whole, upload_parts, wait_for_nothing)
