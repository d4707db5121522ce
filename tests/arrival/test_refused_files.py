"""Files that arrive under a rule and cannot be made safe: set aside with the reason, and never lost."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from dicomorph.services.arrival.outcomes import Produced, Rejected, Worked
from dicomorph.services.arrival.take import take
from tests.support.arrivals import House
from tests.support.risky_images import CT, JPIP, SLIDE, US, Image, image_type, label_in_image

LABEL = Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL\\NONE")]).file()
RULES: dict[str, Any] = {"": {"Anonymize": {"DicomVersion": "2026d"}}}


def test_a_label_is_set_aside_with_its_reason(home: House) -> None:
    taken = take(home.door(RULES), home.place.bring("Doe^Jane.dcm", LABEL))
    assert isinstance(taken, Rejected)
    assert taken.code == 8
    assert home.rejected() == [LABEL]
    [reason] = home.reasons()
    told = json.loads(reason)
    assert (told["Refused"], told["OrthancStatus"], told["Details"]) == ("SlideLabel", 8, taken.details)
    assert (home.instances, home.place.waiting()) == (0, 0)


@pytest.mark.parametrize("home", ["folder"], indirect=True)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (Image(CT, [label_in_image("YES")]).file(), "SpecimenLabelInImage"),
        (Image(SLIDE, [image_type("A\\B\\OVERVIEW")]).file(), "SlideOverview"),
        (Image(CT, syntax=JPIP, has_pixels=False).file(), "PixelDataElsewhere"),
    ],
)
@pytest.mark.parametrize("to", [{}, {"To": "research"}], ids=["store", "target"])
def test_each_reason_leads_there_from_a_rule_for_the_store_and_for_a_target(
    home: House, content: bytes, reason: str, to: dict[str, str]
) -> None:
    assert isinstance(take(home.door({"": {**RULES[""], **to}}), home.place.bring("1", content)), Rejected)
    assert home.rejected() == [content]
    assert [json.loads(told)["Refused"] for told in home.reasons()] == [reason]
    target = home.targets["research"]
    assert (home.instances, list(target.store.keys(target.prefix))) == (0, [])


@pytest.mark.parametrize("home", ["folder"], indirect=True)
def test_the_other_members_of_an_archive_are_taken(home: House) -> None:
    packed = io.BytesIO()
    members = [Image(US).file(instance=2), LABEL, Image(CT).file(instance=3)]
    with zipfile.ZipFile(packed, "w") as archive:
        for number, content in enumerate(members):
            archive.writestr(f"Doe^Jane/{number}.dcm", content)
    taken = take(home.door(RULES), home.place.bring("all.zip", packed.getvalue()))
    assert isinstance(taken, Worked)
    assert (taken.progress.taken, taken.progress.rejected, home.instances) == (2, 1, 2)
    assert home.rejected() == [LABEL]


@pytest.mark.parametrize("home", ["folder"], indirect=True)
def test_what_is_only_flagged_is_taken_and_the_log_tells_why(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(take(home.door(RULES), home.place.bring("1", Image(US).file())), Produced)
    assert (home.instances, home.rejected()) == (1, [])
    assert caplog.messages == ["A rule on arrival: one file is flagged (Ultrasound)"]


@pytest.mark.parametrize("home", ["folder"], indirect=True)
def test_without_a_rule_that_anonymizes_nothing_is_refused(home: House) -> None:
    assert not isinstance(take(home.door(), home.place.bring("1", LABEL)), Rejected)
    assert home.instances == 1
