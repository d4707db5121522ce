"""Clients that send files by way of the API are told what became of them, as by POST /instances."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.model.errors import BadFileFormatError
from dicomorph.services.arrival.outcomes import Continued
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_archive import Portion
from dicomorph.services.uploads.begin import begin
from dicomorph.services.uploads.view import view
from tests.support.api_client import make_dicom
from tests.support.arrivals import House, zipped

on_files = pytest.mark.parametrize("home", ["folder"], indirect=True)


def _sent(home: House, content: bytes, **settings: Any) -> dict[str, Any]:
    """Send a file by way of the API and take it in; return what the client is told."""
    door = home.door({"": {"Anonymize": {}}}, **settings)
    upload = begin(door.backend, {"Size": max(1, len(content))}, address="http://localhost")
    arrived = home.place.bring(f"uploads/{upload['ID']}", content)
    assert view(door.backend, str(upload["ID"]))["State"] == "Pending"
    taken = take(door, arrived, portion=Portion(size=1))
    while isinstance(taken, Continued):
        assert view(door.backend, str(upload["ID"]))["State"] == "Pending"
        taken = take(door, arrived, progress=taken.progress, portion=Portion(size=1))
    assert home.place.waiting() == 0
    return view(door.backend, str(upload["ID"]))


def test_of_a_file_that_was_stored_a_client_gets_the_answer_of_an_upload(home: House) -> None:
    for status in ("Success", "AlreadyStored"):
        told = _sent(home, make_dicom())
        assert told["State"] == "Success"
        assert told["Content"]["Status"] == status
        assert told["Content"]["Path"] == f"/instances/{told['Content']['ID']}"
    assert home.files() == [make_dicom()]  # as it is, whatever the rules say of everything


@on_files
def test_a_client_keeps_its_file_and_is_told_that_another_one_stays(home: House) -> None:
    _sent(home, make_dicom())
    told = _sent(home, make_dicom(PatientName="Roe^Richard"))
    assert told["Content"]["Status"] == "AlreadyStored"
    assert home.files() == [make_dicom()]


@on_files
def test_of_a_file_that_was_set_aside_a_client_gets_the_reason(home: House) -> None:
    told = _sent(home, b"nothing")
    assert (told["State"], told["ErrorCode"]) == ("Failure", BadFileFormatError.code)
    assert told["ErrorDetails"]


@on_files
def test_of_an_archive_a_client_gets_the_answers_of_all_members_that_were_stored(home: House) -> None:
    members = {"1": make_dicom(instance=1), "bad": b"bad", "2": make_dicom(instance=2)}
    told = _sent(home, zipped(members))
    assert told["State"] == "Success"
    assert [answer["Status"] for answer in told["Content"]] == ["Success", "Success"]
    assert home.instances == 2
