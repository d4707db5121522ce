"""What a request keeps in the conformant editions, and what that means for what hangs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dicom_factory import Element
from tests.support.edits import anonymized
from tests.support.small_files import CLASS, nested, small_file, values_of

AGE, NUMBER, COMMITTEE = 0x00101010, 0x00120082, 0x00120081
PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
DOCUMENT, MIME_TYPE = 0x00420011, 0x00420012


def ages(value: str, **request: Any) -> list[bytes]:
    age = Element(AGE, "AS", value)
    data = small_file(age, nested(age))
    return values_of(anonymized(data, DicomVersion="2026d", Keep=["PatientAge"], **request), AGE)


def test_an_age_that_a_request_keeps_is_capped_if_it_says_so() -> None:
    assert ages("093Y") == [b"093Y", b"093Y"]
    assert ages("093Y", Profile={"AgeCap": True}) == [b"090Y", b"090Y"]
    assert ages("089Y", Profile={"AgeCap": True}) == [b"089Y", b"089Y"]


def test_an_age_that_a_path_keeps_is_capped_if_the_request_says_so() -> None:
    data = small_file(nested(Element(AGE, "AS", "093Y")))
    path = ["RelatedSeriesSequence[0].PatientAge"]

    assert values_of(anonymized(data, DicomVersion="2026d", Keep=path), AGE) == [b"093Y"]
    capped = anonymized(data, DicomVersion="2026d", Keep=path, Profile={"AgeCap": True})
    assert values_of(capped, AGE) == [b"090Y"]


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ({}, []),
        ({"Keep": ["ClinicalTrialProtocolEthicsCommitteeApprovalNumber"]}, [b"ANONYMIZED"]),
        ({"Replace": {"ClinicalTrialProtocolEthicsCommitteeApprovalNumber": "7"}}, [b"ANONYMIZED"]),
        ({"Remove": ["ClinicalTrialProtocolEthicsCommitteeApprovalNumber"]}, []),
        ({"Keep": ["ClinicalTrialProtocolEthicsCommitteeName"]}, [b"Committee"]),
    ],
)
def test_what_goes_with_another_attribute_stays_as_a_dummy_where_that_stays(
    request_: dict[str, Any], left: list[bytes]
) -> None:
    data = small_file(Element(COMMITTEE, "LO", "Committee"), Element(NUMBER, "LO", "12"))
    assert values_of(anonymized(data, DicomVersion="2026d", **request_), COMMITTEE) == left


def test_a_document_that_is_kept_keeps_its_type() -> None:
    data = small_file(
        Element(CLASS, "UI", PDF_STORAGE),
        Element(DOCUMENT, "OB", b"%PDF-1.4"),
        Element(MIME_TYPE, "LO", "application/x-other"),
    )
    kept = anonymized(data, DicomVersion="2026d", Keep=["EncapsulatedDocument"])
    blank = anonymized(data, DicomVersion="2026d")

    assert values_of(kept, MIME_TYPE) == [b"application/x-other"]
    assert values_of(kept, DOCUMENT) == [b"%PDF-1.4"]
    assert values_of(blank, MIME_TYPE) == [b"application/pdf"]
    assert b"%PDF-1.4" not in values_of(blank, DOCUMENT)
