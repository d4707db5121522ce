"""Ages above 89 years, whoever lets them stay."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.deid.marks import DEIDENTIFICATION_METHOD_CODES
from tests.support.api_client import make_dicom
from tests.support.edits import anonymized, plan

REFERRING = "ReferencedImageSequence"  # it stays, with whatever may stay in its items


def ages(profile: dict[str, Any], age: str = "093Y", **body: Any) -> list[str | None]:
    """Return what becomes of an age at the top level, and of one in an item."""
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.PatientAge = "1.2.3.4", age
    values: dict[str, Any] = {"PatientAge": age, REFERRING: [item]}
    source = make_dicom(**values)
    data = pydicom.dcmread(io.BytesIO(anonymized(source, DicomVersion="2026d", Profile=profile, **body)))
    return [data.get("PatientAge"), data[REFERRING].value[0].get("PatientAge")]


@pytest.mark.parametrize(
    ("profile", "body", "stays"),
    [
        ({}, {}, [False, False]),
        ({"Preset": "SafeHarbor"}, {}, [False, False]),
        ({"Options": ["RetainPatientCharacteristics"]}, {}, [True, True]),
        ({}, {"Keep": ["PatientAge"]}, [True, True]),
        ({"Preset": "SafeHarbor"}, {"Keep": ["PatientAge"]}, [True, True]),
        ({}, {"Keep": [f"{REFERRING}[*].PatientAge"]}, [False, True]),
        ({}, {"Keep": [REFERRING]}, [False, True]),
    ],
)
def test_what_stays_is_capped_if_asked_for(
    profile: dict[str, Any], body: dict[str, Any], stays: list[bool]
) -> None:
    capped = {**profile, "AgeCap": True}
    for age, expected in (("093Y", "090Y"), ("090Y", "090Y"), ("089Y", "089Y"), ("011M", "011M")):
        assert ages(capped, age, **body) == [expected if one else None for one in stays]
    if "Preset" not in profile:
        assert ages(profile, **body) == ["093Y" if one else None for one in stays]


def test_an_age_that_the_request_writes_is_its_own() -> None:
    assert ages({"AgeCap": True}, Replace={"PatientAge": "095Y"})[0] == "095Y"


def test_who_keeps_what_the_option_keeps_is_marked_with_the_profile() -> None:
    profile = {"Options": ["RetainPatientCharacteristics"], "AgeCap": True}
    found = plan({"DicomVersion": "2026d", "Profile": profile, "Keep": ["PatientAge"]})
    assert DEIDENTIFICATION_METHOD_CODES in found.appended
    found = plan({"DicomVersion": "2026d", "Profile": {"AgeCap": True}, "Keep": ["PatientAge"]})
    assert DEIDENTIFICATION_METHOD_CODES not in found.appended
