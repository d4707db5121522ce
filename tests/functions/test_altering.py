"""Altering an instance in place: the same identifiers, and what an upload does then (docs/altering.md)."""

from __future__ import annotations

import io
from collections.abc import Callable

import pydicom
import pytest

from dicomorph.model.settings import OverwriteInstances
from tests.support.api_client import Client

IDENTIFIERS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def altered(client: Client, path: str, keep: list[str]) -> bytes:
    body = {"Replace": {"PatientWeight": "70"}, "Keep": keep, "Force": True}
    answer = client.post(f"{path}/modify", body)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize(
    ("overwrite", "changed", "again"),
    [
        (OverwriteInstances.NEVER, "AlreadyStored", "AlreadyStored"),
        (OverwriteInstances.ALWAYS, "Success", "Success"),
        (OverwriteInstances.IF_CHANGED, "Success", "AlreadyStored"),
    ],
)
def test_an_upload_of_a_kept_instance_does_what_the_setting_says(
    make_client: Callable[..., Client], overwrite: OverwriteInstances, changed: str, again: str
) -> None:
    client = make_client(overwrite_instances=overwrite)
    stored = client.upload()
    file = altered(client, stored["Path"], IDENTIFIERS)
    for status in (changed, again):
        answer = client.post("/instances", file).json
        assert (answer["ID"], answer["Status"]) == (stored["ID"], status)
    found = pydicom.dcmread(io.BytesIO(client.get(f"{stored['Path']}/file").body))
    assert ("PatientWeight" in found) is (changed == "Success")
    assert client.get("/instances").json == [stored["ID"]]
    if changed == "Success":
        assert altered(client, stored["Path"], IDENTIFIERS) == file, "altering twice changes nothing"


def test_keeping_the_sop_instance_uid_is_enough_for_one_instance(client: Client) -> None:
    stored = client.upload()
    before = pydicom.dcmread(io.BytesIO(client.get(f"{stored['Path']}/file").body))
    after = pydicom.dcmread(io.BytesIO(altered(client, stored["Path"], ["SOPInstanceUID"])))
    assert [after[name] for name in IDENTIFIERS] == [before[name] for name in IDENTIFIERS]
    assert after.file_meta.MediaStorageSOPInstanceUID == before.SOPInstanceUID


def test_keeping_an_identifier_needs_force(client: Client) -> None:
    path = client.upload()["Path"]
    for identifier in IDENTIFIERS:
        assert client.post(f"{path}/modify", {"Keep": [identifier]}).error == (400, 8)
