"""The conformant editions: what each action comes to by SOP class, path and option."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.editions import (
    ALL_EDITIONS,
    NEWEST_EDITION,
    is_conformant,
    method_of,
    resolver_of,
)
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.editions.profile_table import CONFORMANT_EDITIONS
from dicomorph.deid.editions.resolution import ANYWHERE, Path
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, KEYED, NO_VALUE, REMOVE, Action, DummyKind, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.model.errors import ParameterOutOfRangeError
from tests.support.editions import (
    CDA,
    CT,
    ECHO_REPORT,
    ENHANCED_CT,
    HANGING_PROTOCOL,
    MAPPED,
    MR,
    PLAN,
    PRESENTATION,
    SEGMENTATION,
    SLIDE,
    SR,
    STRUCTURES,
    UNKNOWN,
    answer,
    keeping,
    tag,
)


@pytest.mark.parametrize(
    ("dotted", "sop_class", "rule"),
    [
        # Compound actions by type: optional, may be empty, with a value.
        ("AcquisitionDateTime", CT, REMOVE),
        ("AcquisitionDateTime", PRESENTATION, REMOVE),
        ("AcquisitionDateTime", ENHANCED_CT, DUMMY),
        ("ContentDate", CT, NO_VALUE),
        ("ContentDate", ENHANCED_CT, DUMMY),
        ("OperatorsName", CT, REMOVE),
        ("OperatorsName", PLAN, NO_VALUE),
        ("RTPlanDate", PLAN, DUMMY),
        ("AcquisitionContextSequence", CT, REMOVE),
        ("AcquisitionContextSequence", ENHANCED_CT, NO_VALUE),
        ("DeviceSerialNumber", CT, REMOVE),
        ("DeviceSerialNumber", ENHANCED_CT, KEYED),
        # Plain ones.
        ("PatientBirthDate", CT, NO_VALUE),
        ("PatientSex", CT, NO_VALUE),
        ("AccessionNumber", CT, NO_VALUE),
        ("RTPlanLabel", PLAN, DUMMY),
        ("ContainerIdentifier", SLIDE, KEYED),
        ("ClinicalTrialSubjectID", CT, KEYED),
        ("ClinicalTrialSponsorName", CT, DUMMY),
        ("TrackingID", CT, REMOVE),
        ("SegmentSequence.TrackingID", SEGMENTATION, KEYED),
        # An action that would break the object gives way to the next one.
        ("PresentationCreationDate", PRESENTATION, DUMMY),
        ("PresentationCreationDate", CT, REMOVE),
        ("ResponsiblePerson", CT, NO_VALUE),
        ("ContentDescription", PRESENTATION, NO_VALUE),
        ("RetrieveURL", CT, REMOVE),
        # Not defined there: removed, whatever must take its place elsewhere.
        ("VerifyingObserverName", CT, REMOVE),
        ("ReferencedImageSequence.StudyDate", CT, REMOVE),
        ("ReferencedImageSequence.PatientID", CT, REMOVE),
        ("RTPlanLabel", CT, REMOVE),
        # Nobody knows.
        ("AcquisitionDateTime", UNKNOWN, DUMMY),
        ("ContentDate", UNKNOWN, DUMMY),
        ("AcquisitionContextSequence", UNKNOWN, NO_VALUE),
        ("PatientBirthDate", UNKNOWN, NO_VALUE),
        ("StudyDescription", UNKNOWN, REMOVE),
        ("ReferencedImageSequence.RTPlanLabel", UNKNOWN, DUMMY),
        # UIDs, and sequences of references.
        ("SOPInstanceUID", CT, MAPPED),
        ("SOPClassUID", CT, KEEP),
        ("StudyInstanceUID", CT, Rule(Action.MAP, Namespace.STUDY)),
        ("ReferencedImageSequence", CT, KEEP),
        ("ReferencedImageSequence.ReferencedSOPInstanceUID", CT, MAPPED),
        ("ReferencedImageSequence.ReferencedSOPClassUID", CT, KEEP),
        ("ReferencedImageSequence.SeriesInstanceUID", CT, Rule(Action.MAP, Namespace.SERIES)),
        ("SourceImageSequence", UNKNOWN, KEEP),
        ("FrameOfReferenceUID", UNKNOWN, MAPPED),
        ("TargetFrameOfReferenceUID", CT, MAPPED),
        ("SelectorUIValue", HANGING_PROTOCOL, MAPPED),
        ("AnnotationGroupUID", CT, REMOVE),
        ("AnnotationGroupUID", UNKNOWN, MAPPED),
        ("ReferencedStudySequence", CT, REMOVE),
        # A structure set names a study where others name an instance.
        (
            "ReferencedFrameOfReferenceSequence.RTReferencedStudySequence.ReferencedSOPInstanceUID",
            STRUCTURES,
            Rule(Action.MAP, Namespace.STUDY),
        ),
        (
            "ReferencedFrameOfReferenceSequence.RTReferencedStudySequence.ReferencedSOPInstanceUID",
            UNKNOWN,
            Rule(Action.MAP, Namespace.STUDY),
        ),
        # Patients.
        ("PatientID", CT, Rule(Action.MAP, Namespace.PATIENT)),
        ("PatientID", HANGING_PROTOCOL, Rule(Action.MAP, Namespace.PATIENT)),
        ("PatientName", CT, NO_VALUE),
        # They go whatever requires them.
        ("OriginalAttributesSequence", CT, REMOVE),
        ("EncryptedAttributesSequence", CT, REMOVE),
        ("DigitalSignaturesSequence", CT, REMOVE),
        ("DataSetTrailingPadding", CT, REMOVE),
        ("PixelDataProviderURL", CT, REMOVE),
        ("GraphicAnnotationSequence", PRESENTATION, REMOVE),
        # What nobody names stays.
        ("Rows", CT, KEEP),
        ("PixelData", UNKNOWN, KEEP),
    ],
)
def test_an_action_comes_to_what_the_type_leaves_of_it(dotted: str, sop_class: str, rule: Rule) -> None:
    assert answer(dotted, sop_class) == rule


@pytest.mark.parametrize(
    "removed",
    [
        *(0x00000001, 0x00020003, 0x00020016, 0x00041511),  # of commands, file meta, a DICOMDIR
        *(0x50000005, 0x501E3000, 0x60003000, 0x60020022, 0x601E1500),  # graphics, whole groups
        *(0x00080000, 0x00180000),  # lengths of groups, which would be wrong
        *(0x00120099, 0x99980010, 0x00080FFF),  # known to nobody
        *(0x00203100, 0x002031FF),
    ],
)
@pytest.mark.parametrize("sop_class", [CT, UNKNOWN])
@pytest.mark.parametrize("path", [(), ANYWHERE])
def test_what_has_no_place_in_a_data_set_goes(removed: int, sop_class: str, path: Path) -> None:
    assert resolver_of(NEWEST_EDITION).resolve(removed, path, sop_class) == REMOVE


@pytest.mark.parametrize(
    ("dotted", "sop_class"),
    [
        ("VerifyingObserverSequence", SR),
        ("ContentSequence", UNKNOWN),
        ("ReferencedPerformedProcedureStepSequence", ENHANCED_CT),
        ("EncapsulatedDocument", CDA),
        ("MIMETypeOfEncapsulatedDocument", CDA),
        ("HL7InstanceIdentifier", CDA),
        ("TimezoneOffsetFromUTC", ECHO_REPORT),
        ("SelectorUNValue", UNKNOWN),
    ],
)
def test_where_the_dummy_of_a_vr_would_not_do_one_is_written(dotted: str, sop_class: str) -> None:
    dummy = answer(dotted, sop_class).dummy

    assert dummy is not None
    assert dummy.kind in {DummyKind.VALUE, DummyKind.TERM}
    assert dummy.value


@pytest.mark.parametrize("sop_class", [CT, UNKNOWN])
@pytest.mark.parametrize("dependent", ["ClinicalTrialProtocolEthicsCommitteeName", "ResponsiblePersonRole"])
def test_what_makes_no_sense_without_another_goes_with_it(dependent: str, sop_class: str) -> None:
    assert answer(dependent, sop_class) == REMOVE


@pytest.mark.parametrize(
    ("dotted", "sop_class", "rule"),
    [
        ("WindowWidth", MR, DUMMY),
        ("PatientWeight", CT, REMOVE),
        ("KVP", CT, NO_VALUE),
        ("PatientSex", CT, NO_VALUE),
        ("ExposureTime", UNKNOWN, DUMMY),
        ("ReferencedImageSequence.ExposureTime", CT, REMOVE),
        ("FrameOfReferenceUID", CT, MAPPED),
    ],
)
def test_what_a_vr_cannot_hold_goes_as_far_as_the_type_lets_it(
    dotted: str, sop_class: str, rule: Rule
) -> None:
    *sequences, last = map(tag, dotted.split("."))
    resolver = resolver_of(NEWEST_EDITION)
    place = resolver.place(tuple(sequences), sop_class) if sequences else ()

    assert resolver.unfit(last, place, sop_class) == rule


def test_each_edition_has_a_reading_and_a_name_of_its_method() -> None:
    assert [edition for edition in ALL_EDITIONS if is_conformant(edition)] == list(CONFORMANT_EDITIONS)
    assert method_of("2026d") == "PS 3.15-2026d Table E.1-1 Basic Profile"
    assert method_of("2023b") == "PS 3.15-2023b Table E.1-1 Basic Profile"
    assert answer("PatientID", CT, edition="2023b") == answer("PatientID", CT, edition="2024b")


@pytest.mark.parametrize(
    ("edition", "choice"),
    [
        ("2027a", None),
        ("2023b", keeping(Option.RETAIN_UIDS)),
        ("2008", Choice(age_cap=True)),
        ("2021b", Choice(allow_list=AllowList("none", frozenset()))),
    ],
)
def test_an_unknown_edition_and_options_of_orthancs_are_refused(edition: str, choice: Choice | None) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        resolver_of(edition, choice)


def test_places_are_as_many_as_the_sop_class_defines_and_one_for_all_others() -> None:
    resolver = resolver_of(NEWEST_EDITION)
    shared = tag("SharedFunctionalGroupsSequence")
    defined = (shared, tag("PixelMeasuresSequence"))

    assert resolver.place((shared,), ENHANCED_CT) == (shared,)
    assert resolver.place(defined, ENHANCED_CT) == defined
    assert resolver.place(defined, UNKNOWN) == ANYWHERE
    assert resolver.place((0x00091010,), ENHANCED_CT) == ANYWHERE
    assert resolver.place((*ANYWHERE, shared), ENHANCED_CT) == ANYWHERE
    assert resolver.place((shared, shared), ENHANCED_CT) == ANYWHERE
