"""UIDs: which get new values, which stay, and that references lead where they led."""

from __future__ import annotations

import re

import pytest

from tests.dicom_factory import Element
from tests.profile.instances import (
    COMPREHENSIVE_SR,
    CT,
    ENHANCED_MR,
    INSTANCE,
    STRUCTURE_SET,
    STUDY,
    bytes_of,
    changed,
    text,
)
from tests.profile.products import ENCODINGS, product
from tests.profile.readings import Reading

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
SOP_INSTANCE, STUDY_INSTANCE, FRAME_OF_REFERENCE = 0x00080018, 0x0020000D, 0x00200052
REFERENCED_CLASS, REFERENCED_INSTANCE = 0x00081150, 0x00081155
REFERENCED_IMAGES, RELATED_SERIES = 0x00081140, 0x00081250
ELSEWHERE = "1.2.826.0.1.3680043.9.7777.5"


def reference(instance: str) -> list[Element]:
    return [Element(REFERENCED_CLASS, "UI", CT), Element(REFERENCED_INSTANCE, "UI", instance)]


def new_uid_of(original: str) -> str:
    """Return what a UID becomes at the top level, in a file of its own."""
    return text(changed(Element(SOP_INSTANCE, "UI", original)), SOP_INSTANCE)


def test_no_run_of_digits_of_a_telling_uid_survives() -> None:
    telling = "1.3.6.1.4.1.99999.77431905.19270314"
    found = changed(Element(SOP_INSTANCE, "UI", telling), Element(FRAME_OF_REFERENCE, "UI", telling))
    assert not re.search(rb"77431905|19270314|99999\.", found.data)


@pytest.mark.parametrize("syntax", ENCODINGS)
def test_class_and_transfer_syntax_stay(syntax: str) -> None:
    found = Reading(product(bytes_of(Element(REFERENCED_IMAGES, "SQ", [reference("1.2.9")]), syntax=syntax)))
    assert text(found, 0x00080016) == CT
    assert text(found, REFERENCED_IMAGES, 0, REFERENCED_CLASS) == CT
    assert found.meta[0x00020002,].value.rstrip(b"\0").decode() == CT
    assert found.meta[0x00020010,].value.rstrip(b"\0").decode() == syntax


@pytest.mark.parametrize(
    "registered", ["1.2.840.10008.1.4.1.1", "1.2.840.10008.1.4.1.18", "1.2.840.10008.1.4.2.1"]
)
def test_registered_frames_of_reference_stay(registered: str) -> None:
    found = changed(Element(FRAME_OF_REFERENCE, "UI", registered))
    assert text(found, FRAME_OF_REFERENCE) == registered


def test_what_only_looks_registered_gets_a_new_value() -> None:
    telling = "1.2.840.10008.19270314.77431905"
    assert new_uid_of(telling).startswith("2.25.")


def test_instances_that_refer_to_each_other_still_do_when_changed_one_by_one() -> None:
    one, other = "1.2.3.10", "1.2.3.11"
    first = changed(Element(SOP_INSTANCE, "UI", one), Element(REFERENCED_IMAGES, "SQ", [reference(other)]))
    second = changed(Element(SOP_INSTANCE, "UI", other), Element(REFERENCED_IMAGES, "SQ", [reference(one)]))
    assert text(first, REFERENCED_IMAGES, 0, REFERENCED_INSTANCE) == text(second, SOP_INSTANCE)
    assert text(second, REFERENCED_IMAGES, 0, REFERENCED_INSTANCE) == text(first, SOP_INSTANCE)


def test_a_structure_set_refers_to_its_new_study_and_frame_of_reference() -> None:
    study = [
        Element(REFERENCED_CLASS, "UI", "1.2.840.10008.3.1.2.3.1"),
        Element(REFERENCED_INSTANCE, "UI", STUDY),
        Element(0x30060014, "SQ", [[Element(0x0020000E, "UI", "1.2.3.4.5")]]),
    ]
    found = changed(
        Element(
            0x30060010,
            "SQ",
            [[Element(FRAME_OF_REFERENCE, "UI", "1.2.3.99"), Element(0x30060012, "SQ", [study])]],
        ),
        Element(
            0x30060020,
            "SQ",
            [[Element(0x30060022, "IS", "1"), Element(0x30060024, "UI", "1.2.3.99")]],
        ),
        sop_class=STRUCTURE_SET,
    )
    inside = (0x30060010, 0, 0x30060012, 0)
    assert text(found, *inside, REFERENCED_INSTANCE) == text(found, STUDY_INSTANCE)
    assert text(found, *inside, 0x30060014, 0, 0x0020000E) == text(found, 0x0020000E)
    new_frame = text(found, 0x30060010, 0, FRAME_OF_REFERENCE)
    assert new_frame == text(found, 0x30060020, 0, 0x30060024)
    assert new_frame.startswith("2.25.")


@pytest.mark.parametrize(
    ("sop_class", "path"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", (0x00081115, 0, 0x0008114A, 0)),  # segmentation
        ("1.2.840.10008.5.1.4.1.1.11.1", (0x00081115, 0, REFERENCED_IMAGES, 0)),  # presentation state
        ("1.2.840.10008.5.1.4.1.1.88.59", (0x0040A375, 0, 0x00081115, 0, 0x00081199, 0)),  # key objects
        (COMPREHENSIVE_SR, (0x0040A385, 0, 0x00081115, 0, 0x00081199, 0)),
    ],
)
def test_references_to_another_study_get_the_values_that_it_would_get(
    sop_class: str, path: tuple[int, ...]
) -> None:
    element = Element(path[-2], "SQ", [reference(ELSEWHERE)])
    for tag in path[-4::-2]:
        element = Element(tag, "SQ", [[element]])
    found = changed(element, sop_class=sop_class)
    assert text(found, *path, REFERENCED_INSTANCE) == new_uid_of(ELSEWHERE)
    assert text(found, *path, REFERENCED_CLASS) == CT


@pytest.mark.parametrize("tag", [0x00083010, 0x0018100B])
def test_every_value_of_several_gets_a_new_one(tag: int) -> None:
    found = changed(Element(tag, "UI", f"1.2.9.1\\{INSTANCE}\\1.2.9.1"))
    one, two, three = text(found, tag).split("\\")
    assert one == three != two
    assert two == text(found, SOP_INSTANCE)
    assert {one[:5], two[:5]} == {"2.25."}


@pytest.mark.parametrize("odd", ["1.2.3.7 ", " 1.2.3.7", "1.2.3." + "7" * 65, "1.2.3.x7", "0.01.02"])
def test_odd_uids_get_a_new_value_as_well(odd: str) -> None:
    found = changed(Element(FRAME_OF_REFERENCE, "UI", odd))
    new = text(found, FRAME_OF_REFERENCE)
    assert new.startswith("2.25.")
    assert len(new) <= 64
    assert odd.strip().encode() not in found.data


def test_the_address_of_an_instance_goes_with_the_uids_in_it() -> None:
    found = changed(
        Element(0x00081190, "UR", f"https://a.example/studies/{ELSEWHERE}"),
        Element(0x00081115, "SQ", [[Element(0x0040E010, "UR", f"https://a.example/{ELSEWHERE}")]]),
    )
    assert ELSEWHERE.encode() not in found.data
    assert b"a.example" not in found.data


def test_a_uid_in_the_tree_of_a_report_goes_with_the_tree() -> None:
    found = changed(
        Element(0x0040A040, "CS", "CONTAINER"),
        Element(
            0x0040A730,
            "SQ",
            [[Element(0x0040A040, "CS", "UIDREF"), Element(0x0040A124, "UI", ELSEWHERE)]],
        ),
        sop_class=COMPREHENSIVE_SR,
    )
    assert ELSEWHERE.encode() not in found.data
    assert found.elements[0x0040A730,].items >= 1


def test_uids_that_differ_by_their_padding_are_the_same() -> None:
    padded = changed(
        Element(FRAME_OF_REFERENCE, "UI", b"1.2.3.47\0\0"),
        Element(RELATED_SERIES, "SQ", [[Element(STUDY_INSTANCE, "UI", b"1.2.3.47")]]),
    )
    assert text(padded, FRAME_OF_REFERENCE) == text(padded, RELATED_SERIES, 0, STUDY_INSTANCE)


def test_one_original_has_one_new_value_wherever_it_stands() -> None:
    found = changed(
        Element(SOP_INSTANCE, "UI", ELSEWHERE),
        Element(FRAME_OF_REFERENCE, "UI", ELSEWHERE),
        Element(RELATED_SERIES, "SQ", [[Element(STUDY_INSTANCE, "UI", ELSEWHERE)]]),
        Element(STUDY_INSTANCE, "UI", ELSEWHERE),
    )
    new = {
        text(found, *key)
        for key in (
            (SOP_INSTANCE,),
            (FRAME_OF_REFERENCE,),
            (STUDY_INSTANCE,),
            (RELATED_SERIES, 0, STUDY_INSTANCE),
        )
    }
    assert len(new) == 1


TELLING_APART = [
    (CT, (0x00120040,), "LO"),  # ClinicalTrialSubjectID
    (CT, (0x00120042,), "LO"),  # ClinicalTrialSubjectReadingID
    (ENHANCED_MR, (0x00181000,), "LO"),  # DeviceSerialNumber
    (SLIDE, (0x00400512,), "LO"),  # ContainerIdentifier
    (SLIDE, (0x00400560, 0, 0x00400551), "LO"),  # SpecimenIdentifier
    ("1.2.840.10008.5.1.4.1.1.66.4", (0x00620002, 0, 0x00620020), "UT"),  # TrackingID
]


@pytest.mark.parametrize(("sop_class", "path", "vr"), TELLING_APART)
def test_identifiers_that_tell_entities_apart_still_do_and_tell_nothing_else(
    sop_class: str, path: tuple[int, ...], vr: str
) -> None:
    def dummy_of(original: str) -> str:
        element = Element(path[-1], vr, original)
        for tag in path[-3::-2]:
            element = Element(tag, "SQ", [[element]])
        return text(changed(element, sop_class=sop_class), *path)

    one, two = dummy_of("K77431905"), dummy_of("K77431906")
    assert one == dummy_of("K77431905 ") != two
    assert not re.search("7743190|K77", one + two)
    assert 0 < len(one) <= 64


def test_an_identifier_has_the_same_dummy_in_two_places() -> None:
    container = [Element(0x00400512, "LO", "K77431905")]
    found = changed(
        Element(0x00400512, "LO", "K77431905"),
        Element(0x00400560, "SQ", [[Element(0x00400551, "LO", "K77431905")]]),
        Element(0x00081250, "SQ", [container]),
        sop_class=SLIDE,
    )
    assert text(found, 0x00400512) == text(found, 0x00400560, 0, 0x00400551)
    assert b"77431905" not in found.data


def test_with_uids_retained_file_meta_still_says_what_the_data_set_says() -> None:
    found = changed(
        Element(FRAME_OF_REFERENCE, "UI", ELSEWHERE),
        Element(REFERENCED_IMAGES, "SQ", [reference(ELSEWHERE)]),
        options=("RetainUIDs",),
    )
    assert text(found, SOP_INSTANCE) == INSTANCE
    assert found.meta[0x00020003,].value.rstrip(b"\0").decode() == INSTANCE
    assert text(found, FRAME_OF_REFERENCE) == ELSEWHERE
    assert text(found, REFERENCED_IMAGES, 0, REFERENCED_INSTANCE) == ELSEWHERE
