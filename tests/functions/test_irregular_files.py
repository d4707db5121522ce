"""Files out of order, without VRs, or in another encoding than they say: uploaded, shown, edited."""

from __future__ import annotations

import io
import struct
import warnings

import pytest
from pydicom.filereader import read_partial

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10, rich, uid
from tests.support.api_client import Client

GE_PRIVATE = "1.2.840.113619.5.2"
BODY = [element for element in rich() if not element.unknown]
LAST = Element(0x00290010, "LO", "APPENDED"), Element(0x00291001, "LO", "late")
SECOND = [
    Element(element.tag, element.vr, "1.2.3") for element in BODY if element.tag in {0x00080018, 0x0020000D}
]


def without_vr(body: list[Element]) -> bytes:
    padding = struct.pack("<HH2sHh", 0x28, 0x120, b"  ", 2, -1)
    at = next(number for number, element in enumerate(body) if element.tag > 0x00280120)
    return encode(body[:at]) + padding + encode(body[at:])


FILES = {
    "reversed": part10(encode(BODY[::-1])),
    "appended": part10(encode([*BODY, *LAST])),
    "repeated": part10(encode([*BODY, *SECOND])),
    "big endian": part10(encode([*BODY[::-1], *SECOND], BIG), BIG),
    "implicit VR": part10(encode(BODY, IMPLICIT), GE_PRIVATE),
    "implicit VR, reversed": part10(encode(BODY[::-1], IMPLICIT), GE_PRIVATE),
    "implicit VR under explicit": part10(encode(BODY, IMPLICIT), EXPLICIT),
    "without a VR": part10(without_vr(BODY)),
}


def tags_of(raw: bytes) -> list[int]:
    """Return the tags at the top level as they stand in a file, which iterating would sort."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_partial(io.BytesIO(raw))
    return [int(tag) for tag in found._dict]


@pytest.mark.parametrize("kind", FILES)
def test_irregular_files_are_stored_shown_and_edited(client: Client, kind: str) -> None:
    syntax = IMPLICIT if "implicit" in kind else EXPLICIT
    regular = client.post("/instances", part10(encode(BODY, syntax), syntax)).json
    expected = client.get(f"/instances/{regular['ID']}/simplified-tags").json
    client.delete(f"/instances/{regular['ID']}")

    stored = client.post("/instances", FILES[kind]).json
    assert (stored["ID"], stored["Status"]) == (regular["ID"], "Success")
    path = f"/instances/{stored['ID']}"
    shown = client.get(f"{path}/simplified-tags").json
    assert {name: shown[name] for name in expected} == expected
    assert client.get(f"{path}/file").body == FILES[kind]

    for route, body in (("anonymize", {}), ("modify", {"Replace": {"StationName": "HERE"}})):
        answer = client.post(f"{path}/{route}", body)
        assert answer.status == 200
        tags = tags_of(answer.body)
        assert tags == sorted(set(tags))
    modification = {"Replace": {"StudyID": "7"}, "KeepSource": True}
    for route, options in (("modify", modification), ("anonymize", {})):
        content = client.post(f"/studies/{stored['ParentStudy']}/{route}", options).json
        [made] = client.get(f"/studies/{content['ID']}/instances").json
        product = client.get(f"/instances/{made['ID']}/file").body
        assert tags_of(product) == sorted(set(tags_of(product)))
        assert uid(1, 1, 1, 1).encode() not in product
    assert client.get(f"/instances/{made['ID']}/simplified-tags").json["PatientName"].startswith("Anonymized")


def test_a_study_takes_over_the_first_values_of_a_file_out_of_order(client: Client) -> None:
    target = client.post("/instances", FILES["repeated"]).json
    other = client.post("/instances", part10(encode(rich(2, 2, 2, 2)))).json
    body = {"Resources": [other["ParentStudy"]], "KeepSource": True}
    assert client.post(f"/studies/{target['ParentStudy']}/merge", body).json["FailedInstancesCount"] == 0
    instances = client.get(f"/studies/{target['ParentStudy']}/instances").json
    assert len(instances) == 2
    for instance in instances:
        shown = client.get(f"/instances/{instance['ID']}/simplified-tags").json
        assert (shown["PatientID"], shown["StudyInstanceUID"]) == ("P1", uid(1, 1))
