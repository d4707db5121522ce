"""The conformant editions: what each action comes to by SOP class, path and option."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.confidentiality import action_of
from dicomorph.deid.editions.editions import (
    ALL_EDITIONS,
    NEWEST_EDITION,
    is_conformant,
    method_of,
    resolver_of,
)
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.editions.profile_table import CONFORMANT_EDITIONS, Row, profile_rows
from dicomorph.deid.editions.resolution import ANYWHERE, Path
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, KEYED, NO_VALUE, REMOVE, Action, DummyKind, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.model.errors import ParameterOutOfRangeError
from tests.support.editions import (
    CDA,
    CT,
    ENHANCED_CT,
    HANGING_PROTOCOL,
    MAPPED,
    MR,
    PLAN,
    PRESENTATION,
    SEGMENTATION,
    SLIDE,
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
        ("HL7InstanceIdentifier", CDA, DUMMY),
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
        ("AnnotationGroupUID", CT, MAPPED),
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
    ("option", "dotted", "rule"),
    [
        (Option.RETAIN_UIDS, "SOPInstanceUID", KEEP),
        (Option.RETAIN_UIDS, "ReferencedImageSequence.ReferencedSOPInstanceUID", KEEP),
        (Option.RETAIN_UIDS, "TargetFrameOfReferenceUID", KEEP),
        (Option.RETAIN_UIDS, "AnnotationGroupUID", KEEP),
        (Option.RETAIN_UIDS, "StationName", REMOVE),
        (Option.RETAIN_DEVICE_IDENTITY, "StationName", KEEP),
        (Option.RETAIN_DEVICE_IDENTITY, "DeviceUID", KEEP),
        (Option.RETAIN_DEVICE_IDENTITY, "SOPInstanceUID", MAPPED),
        (Option.RETAIN_DEVICE_IDENTITY, "ReferencedImageSequence.DeviceSerialNumber", KEEP),
        (Option.RETAIN_INSTITUTION_IDENTITY, "InstitutionName", KEEP),
        (Option.RETAIN_PATIENT_CHARACTERISTICS, "PatientAge", KEEP),
        (Option.RETAIN_PATIENT_CHARACTERISTICS, "PatientSex", KEEP),
        (Option.RETAIN_PATIENT_CHARACTERISTICS, "Allergies", REMOVE),  # free text, which nobody cleans
        (Option.RETAIN_PATIENT_CHARACTERISTICS, "PatientBirthDate", NO_VALUE),
        (Option.RETAIN_LONGITUDINAL_FULL_DATES, "StudyDate", KEEP),
        (Option.RETAIN_LONGITUDINAL_FULL_DATES, "ReferencedImageSequence.StudyDate", KEEP),
        (Option.RETAIN_LONGITUDINAL_FULL_DATES, "PatientBirthDate", NO_VALUE),
    ],
)
def test_an_option_keeps_its_attributes_wherever_they_stand(option: Option, dotted: str, rule: Rule) -> None:
    assert answer(dotted, CT, keeping(option)) == rule


def test_titles_of_application_entities_are_cleaned_by_other_ones_and_absence_stays() -> None:
    cleaned = [
        one
        for one, row in profile_rows(NEWEST_EDITION).items()
        if "C" in row.options.get(Option.RETAIN_DEVICE_IDENTITY, "")
    ]
    resolver = resolver_of(NEWEST_EDITION, keeping(Option.RETAIN_DEVICE_IDENTITY))
    rules = [resolver.resolve(one, (), CT) for one in cleaned]

    assert {vr_of(one) for one in cleaned} == {"AE"}
    assert len(cleaned) == 11
    assert {(rule.dummy.kind, rule.dummy.value) for rule in rules if rule.dummy} == {(DummyKind.KEYED, "")}


def test_what_one_option_keeps_and_another_cleans_is_cleaned() -> None:
    row = Row("X/D", {Option.RETAIN_DEVICE_IDENTITY: "K", Option.RETAIN_SAFE_PRIVATE: "C"})

    assert action_of(tag("StationName"), row, frozenset({Option.RETAIN_DEVICE_IDENTITY})) == "K"
    assert action_of(tag("StationName"), row, frozenset(Option)) == "X/D"


def test_ages_are_capped_where_they_stay_and_gone_where_they_go() -> None:
    capped = Choice(options=frozenset((Option.RETAIN_PATIENT_CHARACTERISTICS,)), age_cap=True)
    age = answer("PatientAge", CT, capped)

    assert age.dummy is not None
    assert age.dummy.kind is DummyKind.AGE_CAP
    assert answer("PatientAge", CT, Choice(age_cap=True)) == REMOVE


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
