"""Lists of what alone is kept, in front of a conformant edition."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import shipped_allow_list
from dicomorph.deid.editions.confidentiality import ALWAYS_REMOVED
from dicomorph.deid.editions.editions import NEWEST_EDITION, resolver_of
from dicomorph.deid.editions.iod_types import Requirement, iod_types
from dicomorph.deid.editions.options import Choice
from dicomorph.deid.editions.replaced_content import dependent_attributes
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, NO_VALUE, REMOVE, Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from tests.support.editions import (
    CR,
    CT,
    ENHANCED_CT,
    MAPPED,
    MR,
    PLAN,
    PRESENTATION,
    SEGMENTATION,
    SLIDE,
    SR,
    UNKNOWN,
    answer,
    tag,
)

GRAPHIC_ANNOTATION = tag("GraphicAnnotationSequence")
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


@pytest.mark.parametrize("sop_class", [CR, CT, MR, ENHANCED_CT, SEGMENTATION, PRESENTATION, SR, PLAN, SLIDE])
@pytest.mark.parametrize(
    "allow_list", [LISTED, shipped_allow_list("research-images")], ids=lambda one: one.name
)
def test_no_list_takes_from_an_object_what_it_cannot_be_without(
    allow_list: AllowList, sop_class: str
) -> None:
    resolver, types = resolver_of(NEWEST_EDITION, Choice(allow_list=allow_list)), iod_types()
    spared = ALWAYS_REMOVED | dependent_attributes().keys() | {GRAPHIC_ANNOTATION}
    required = {
        tag: requirement
        for tag, requirement in types.attributes((), sop_class).items()
        if requirement <= Requirement.PRESENCE and tag not in spared
    }
    rules = {tag: resolver.resolve(tag, (), sop_class) for tag in types.attributes((), sop_class)}

    assert len(required) > 50
    assert [tag for tag in required if rules[tag] == REMOVE] == []
    assert [tag for tag, one in required.items() if one is Requirement.VALUE and rules[tag] == NO_VALUE] == []
    unlisted = rules.keys() - allow_list.tags - required.keys()
    assert {rules[tag] for tag in unlisted} == {REMOVE}
    text = {tag for tag in rules.keys() - allow_list.tags if vr_of(tag) in {"LO", "SH", "PN", "DA", "UT"}}
    assert [tag for tag in text if rules[tag] == KEEP] == []
