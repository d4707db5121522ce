"""A study whose instances refer to each other: whatever option is on, no reference is broken."""

from __future__ import annotations

import pytest

from tests.dicom_factory import Element
from tests.profile.instances import COMPREHENSIVE_SR, CT, STRUCTURE_SET, instance_of, text
from tests.profile.objects import Key
from tests.profile.products import CHOICES, ENCODINGS, file_of, product
from tests.profile.readings import Reading

ROOT = "1.2.826.0.1.3680043.9.7777"
STUDY, FRAME = f"{ROOT}.1", f"{ROOT}.4"
IMAGES = [f"{ROOT}.2.1.{n}" for n in range(3)]
SEGMENTATION, PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.11.1"
SOP_INSTANCE, STUDY_INSTANCE, SERIES_INSTANCE = 0x00080018, 0x0020000D, 0x0020000E
REFERENCED_INSTANCE, FRAMES_OF_REFERENCE = 0x00081155, {0x00200052, 0x30060024}


def image_reference(number: int) -> list[Element]:
    return [Element(0x00081150, "UI", CT), Element(REFERENCED_INSTANCE, "UI", IMAGES[number])]


def series(tag: int) -> Element:
    images = Element(tag, "SQ", [image_reference(n) for n in range(3)])
    return Element(0x00081115, "SQ", [[images, Element(SERIES_INSTANCE, "UI", f"{ROOT}.3.1")]])


def one(sop_class: str, uid: str, number: int, *more: Element) -> list[Element]:
    return instance_of(
        Element(SOP_INSTANCE, "UI", uid),
        Element(STUDY_INSTANCE, "UI", STUDY),
        Element(SERIES_INSTANCE, "UI", f"{ROOT}.3.{number}"),
        *more,
        sop_class=sop_class,
    )


def study() -> list[list[Element]]:
    evidence = [series(0x00081199), Element(STUDY_INSTANCE, "UI", STUDY)]
    referenced_study = [
        Element(0x00081150, "UI", "1.2.840.10008.3.1.2.3.1"),
        Element(REFERENCED_INSTANCE, "UI", STUDY),
        Element(
            0x30060014,
            "SQ",
            [
                [
                    Element(SERIES_INSTANCE, "UI", f"{ROOT}.3.1"),
                    Element(0x30060016, "SQ", [image_reference(n) for n in range(3)]),
                ]
            ],
        ),
    ]
    frame = [Element(0x00200052, "UI", FRAME), Element(0x30060012, "SQ", [referenced_study])]
    contour = Element(0x30060040, "SQ", [[Element(0x30060016, "SQ", [image_reference(2)])]])
    region = [Element(0x30060022, "IS", "1"), Element(0x30060024, "UI", FRAME)]
    return [
        *(
            one(
                CT,
                uid,
                1,
                Element(0x00081140, "SQ", [image_reference((n + 1) % 3)]),
                Element(0x00082112, "SQ", [image_reference((n + 2) % 3)]),
                Element(0x00200052, "UI", FRAME),
            )
            for n, uid in enumerate(IMAGES)
        ),
        one(SEGMENTATION, f"{ROOT}.2.2", 2, series(0x0008114A), Element(0x00200052, "UI", FRAME)),
        one(PRESENTATION_STATE, f"{ROOT}.2.3", 3, series(0x00081140)),
        one(COMPREHENSIVE_SR, f"{ROOT}.2.4", 4, Element(0x0040A375, "SQ", [evidence])),
        one(
            STRUCTURE_SET,
            f"{ROOT}.2.5",
            5,
            Element(0x30060010, "SQ", [frame]),
            Element(0x30060020, "SQ", [region]),
            Element(0x30060039, "SQ", [[contour]]),
        ),
    ]


@pytest.mark.parametrize("options", CHOICES, ids="+".join)
def test_every_reference_leads_where_it_led(options: tuple[str, ...]) -> None:
    """Each instance is changed in a call of its own; what a UID becomes is looked up by what it was."""
    new: dict[str, set[str]] = {}
    before, after = [], []
    for number, elements in enumerate(study()):
        data = file_of(elements, ENCODINGS[number % 3])
        before.append(Reading(data))
        after.append(Reading(product(data, *options)))
        for key in _places(before[-1]):
            new.setdefault(text(before[-1], *key), set()).add(text(after[-1], *key))
    assert all(len(found) == 1 for found in new.values())
    assert len(set.union(*new.values())) == len(new) == 14
    instances = {text(read, SOP_INSTANCE) for read in after}
    for read in after:
        references = {text(read, *key) for key in _places(read) if key[-1] == REFERENCED_INSTANCE}
        assert references <= {*instances, text(read, STUDY_INSTANCE)}
    if "RetainUIDs" in options:
        assert all(found == {original} for original, found in new.items())
    else:
        assert all(found.pop().startswith("2.25.") for found in new.values())


def _places(read: Reading) -> list[Key]:
    wanted = {SOP_INSTANCE, STUDY_INSTANCE, SERIES_INSTANCE, REFERENCED_INSTANCE, *FRAMES_OF_REFERENCE}
    return [key for key in read.elements if key[-1] in wanted]
