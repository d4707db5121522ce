"""The options of the conformant editions, and what they keep."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.confidentiality import action_of
from dicomorph.deid.editions.editions import NEWEST_EDITION, resolver_of
from dicomorph.deid.editions.options import Option
from dicomorph.deid.editions.profile_table import Row, profile_rows
from dicomorph.dicom.engine.edit_plan import KEEP, NO_VALUE, REMOVE, DummyKind, Rule
from dicomorph.dicom.standard.dictionary import vr_of
from tests.support.editions import CT, MAPPED, answer, keeping, tag


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
        (Option.RETAIN_INSTITUTION_IDENTITY, "ClinicalTrialProtocolEthicsCommitteeName", KEEP),
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
