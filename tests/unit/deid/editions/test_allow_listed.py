"""Lists of what alone is kept, in front of a conformant edition."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.options import Choice
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, NO_VALUE, REMOVE, Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from tests.support.editions import CT, ENHANCED_CT, MAPPED, MR, UNKNOWN, answer, tag

LISTED = AllowList(
    "images",
    frozenset(
        map(
            tag,
            ("Rows", "StudyDate", "PatientAge", "PixelSpacing", "FrameOfReferenceUID", "SourceImageSequence"),
        )
    ),
)


@pytest.mark.parametrize(
    ("dotted", "sop_class", "rule"),
    [
        ("Rows", CT, KEEP),
        ("StudyDate", CT, KEEP),
        ("ReferencedImageSequence.StudyDate", CT, KEEP),
        ("FrameOfReferenceUID", CT, MAPPED),
        ("SourceImageSequence.ReferencedSOPInstanceUID", CT, MAPPED),
        ("SOPInstanceUID", CT, MAPPED),
        ("SOPClassUID", CT, KEEP),
        ("PatientID", CT, Rule(Action.MAP, Namespace.PATIENT)),
        ("BitsAllocated", CT, KEEP),  # an image without is none
        ("SpecificCharacterSet", CT, KEEP),
        ("Manufacturer", CT, NO_VALUE),  # Type 2
        ("Manufacturer", ENHANCED_CT, DUMMY),
        ("WindowCenter", MR, KEEP),  # Type 1C
        ("ReferencedImageSequence", CT, REMOVE),
        ("ScanOptions", CT, REMOVE),
        ("ImageType", CT, KEEP),
        ("StudyDescription", CT, REMOVE),
        ("AcquisitionDateTime", ENHANCED_CT, DUMMY),
        ("SharedFunctionalGroupsSequence", ENHANCED_CT, KEEP),
        ("OriginalAttributesSequence", CT, REMOVE),
        ("Manufacturer", UNKNOWN, DUMMY),
    ],
)
def test_only_what_is_listed_stays_and_what_the_object_cannot_be_without(
    dotted: str, sop_class: str, rule: Rule
) -> None:
    assert answer(dotted, sop_class, Choice(allow_list=LISTED)) == rule
