"""What a request keeps in the conformant editions, and what that means for what hangs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dicom_factory import Element
from tests.support.edits import anonymized
from tests.support.small_files import CLASS, small_file, values_of

NUMBER, COMMITTEE = 0x00120082, 0x00120081
PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
DOCUMENT, MIME_TYPE = 0x00420011, 0x00420012


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
