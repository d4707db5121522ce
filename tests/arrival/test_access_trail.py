"""What arrives by itself leaves events of the access trail, which tell nothing of its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.model.access import AccessTrailSetting, OnFailure
from dicomorph.model.errors import DicomorphError, InternalError, StorageFullError, TransientError
from dicomorph.model.resources import Level
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Continued
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_archive import Portion
from dicomorph.services.uploads.begin import begin
from tests.support.api_client import make_dicom
from tests.support.arrivals import House, zipped
from tests.support.memory_trail import MemoryTrail

on_files = pytest.mark.parametrize("home", ["folder"], indirect=True)
SECRET = "SECRET"


def _door(home: House, trail: MemoryTrail, rules: Any = None, **trailing: Any) -> Door:
    door = home.door(rules)
    settings = replace(door.backend.settings, access_trail=AccessTrailSetting(**trailing))
    return replace(door, backend=replace(door.backend, trail=trail, settings=settings), source="somewhere")


def test_each_file_leaves_one_event_with_what_became_of_it(home: House) -> None:
    trail = MemoryTrail()
    door = _door(home, trail, {"anonymized/": {"Anonymize": {}}, "out/": {"Anonymize": {}, "To": "research"}})
    for name, content in (
        (f"{SECRET}.dcm", make_dicom(PatientName=SECRET)),
        (f"anonymized/{SECRET}.dcm", make_dicom()),
        (f"out/{SECRET}.dcm", make_dicom()),
        (f"{SECRET}.txt", SECRET.encode()),
    ):
        take(door, home.place.bring(name, content))
    assert SECRET not in "".join(trail.lines)
    events = trail.events()
    assert [(one["Event"], one["Outcome"], one.get("ResourcesCount")) for one in events] == [
        ("Taken", "Stored", 1),
        ("Taken", "Produced", 1),
        ("Taken", "Produced", None),
        ("Taken", "Rejected", None),
    ]
    assert {one["Source"] for one in events} == {"somewhere"}
    assert len({one["Request"] for one in events}) == 4
    named = [one["Resources"][0] for one in events[:2]]
    catalogue = home.backend.index.catalogue
    assert [catalogue.get(Level.INSTANCE, one) is not None for one in named] == [True, True]
    assert home.keys("rejected/")[0].removeprefix("rejected/") == events[3]["Request"]


def test_each_member_of_an_archive_leaves_an_event_of_its_own(home: House) -> None:
    trail = MemoryTrail()
    door = _door(home, trail)
    files = {f"{SECRET}{n}": make_dicom(SOPInstanceUID=f"1.2.{n}") for n in range(3)}
    arrived = home.place.bring("all.zip", zipped({"folder/": b"", **files, "bad": b"bad"}))
    taken = take(door, arrived, portion=Portion(size=1))
    while isinstance(taken, Continued):
        taken = take(door, arrived, progress=taken.progress, portion=Portion(size=1))
    assert SECRET not in "".join(trail.lines)
    events = trail.events()
    assert [one["Outcome"] for one in events] == ["Stored", "Stored", "Stored", "Rejected"]
    assert len({one["Resources"][0] for one in events[:3]}) == 3


@on_files
def test_an_upload_of_the_api_is_named(home: House) -> None:
    trail = MemoryTrail()
    door = _door(home, trail)
    upload = str(begin(door.backend, {"Size": 9}, address="http://localhost")["ID"])
    take(door, home.place.bring(f"uploads/{upload}", make_dicom()))
    assert [one["Upload"] for one in trail.events()] == [upload]


@on_files
@pytest.mark.parametrize(
    "error", [StorageFullError("full"), TransientError("away"), InternalError("refused")]
)
@pytest.mark.parametrize("content", [make_dicom(), zipped({"a": make_dicom()}), b"nothing"])
def test_nothing_is_stored_unless_it_could_be_written_down(
    home: House, error: DicomorphError, content: bytes
) -> None:
    trail = MemoryTrail()
    door = _door(home, trail)
    arrived = home.place.bring("a", content)
    trail.error = error
    with pytest.raises(type(error)):
        take(door, arrived)
    assert (home.instances, home.keys("rejected/"), home.place.waiting()) == (0, [], 1)
    trail.calls_before = 1  # it goes away while the file is taken
    with pytest.raises(type(error)):
        take(door, arrived)
    assert home.place.waiting() == 1
    trail.error = None
    take(door, arrived)
    assert home.place.waiting() == 0
    assert len(trail.events()) == 1


@on_files
def test_files_are_taken_without_a_trail_where_that_was_asked_for(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    trail = MemoryTrail()
    door = _door(home, trail, on_failure=OnFailure.CONTINUE)
    trail.error = TransientError("away")
    take(door, home.place.bring(SECRET, make_dicom()))
    assert (home.instances, home.place.waiting()) == (1, 0)
    assert "Access not recorded: away" in caplog.text
    assert SECRET not in caplog.text
