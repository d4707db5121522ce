"""Instances with every attribute of their IOD: nothing that goes survives, all else does, and is valid."""

from __future__ import annotations

from dataclasses import replace
from itertools import product as product_of

import pytest

from tests.dicom_factory import EXPLICIT, Element
from tests.profile.expectation import Expectations
from tests.profile.facts import UIDS_OF_CLASSES, UIDS_OF_INSTANCES, types
from tests.profile.objects import A_CLASS, DIRECTORY, UID_ROOT, filled
from tests.profile.products import CHOICES, ENCODINGS, engine, product, reading_of
from tests.profile.readings import Reading
from tests.profile.verdicts import MARKS, judged, shown

EVERY_CLASS = [sop_class for sop_class in types().sop_classes if sop_class != DIRECTORY]
A_HANDFUL = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "enhanced MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "ultrasound multi-frame": "1.2.840.10008.5.1.4.1.1.3.1",
    "ECG": "1.2.840.10008.5.1.4.1.1.9.1.1",
    "presentation state": "1.2.840.10008.5.1.4.1.1.11.1",
    "segmentation": "1.2.840.10008.5.1.4.1.1.66.4",
    "slide": "1.2.840.10008.5.1.4.1.1.77.1.6",
    "comprehensive SR": "1.2.840.10008.5.1.4.1.1.88.33",
    "encapsulated PDF": "1.2.840.10008.5.1.4.1.1.104.1",
    "structure set": "1.2.840.10008.5.1.4.1.1.481.3",
}
PERFORMED_PROCEDURE_STEPS = 0x00081111  # where they are required, a dummy refers to none
STUDY_INSTANCE_UID = 0x0020000D
PARTS = 7
SHALLOW = 2  # sequences deep: what the fast tests look at


@pytest.mark.parametrize("name", A_HANDFUL)
def test_of_a_full_instance_the_right_things_survive(name: str) -> None:
    built = filled(A_HANDFUL[name], SHALLOW)
    verdict = judged(built, product(built.file()), Expectations())
    assert not verdict, verdict


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_of_every_full_instance_the_right_things_survive(part: int) -> None:
    """Each class by the profile alone in each encoding, and with each option in one of them."""
    wrong = {}
    for number, sop_class in list(enumerate(EVERY_CLASS))[part::PARTS]:
        built = filled(sop_class)
        engine.cache_clear()  # what each has learnt of a class is of no use to the next one
        once = [(options, ENCODINGS[(number + n) % 3]) for n, options in enumerate(CHOICES)]
        for options, syntax in dict.fromkeys([*product_of(CHOICES[:1], ENCODINGS), *once]):
            verdict = judged(built, product(built.file(syntax), *options), Expectations(options), syntax)
            if verdict:
                wrong[sop_class, options, syntax] = verdict
    assert not wrong, wrong


@pytest.mark.parametrize("name", ["CT", "comprehensive SR", "encapsulated PDF", "presentation state"])
def test_a_second_run_changes_only_what_was_replaced(name: str) -> None:
    _second_run(A_HANDFUL[name], SHALLOW, EXPLICIT)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_second_run_of_any_class_changes_only_what_was_replaced() -> None:
    of_studies = [one for one in EVERY_CLASS if types().type_of(one, (), STUDY_INSTANCE_UID)]
    for number, sop_class in enumerate(of_studies):
        _second_run(sop_class, 99, ENCODINGS[number % 3])


@pytest.mark.parametrize("name", A_HANDFUL)
def test_equal_uids_stay_equal_wherever_an_iod_has_them(name: str) -> None:
    original = f"{UID_ROOT}.1"
    elements = [_with_uid(element, original) for element in filled(A_HANDFUL[name], SHALLOW).elements]
    found = reading_of(elements).elements
    read = [(key, one.value) for key, one in found.items() if key[0] != PERFORMED_PROCEDURE_STEPS]
    new = {value for key, value in read if key[-1] in UIDS_OF_INSTANCES and value}
    assert len(new) == 1
    assert new.pop().startswith(b"2.25.")
    of_classes = {value.rstrip(b"\0") for key, value in read if key[-1] in UIDS_OF_CLASSES and len(key) > 1}
    assert of_classes <= {A_CLASS.encode()}


def _with_uid(element: Element, uid: str) -> Element:
    if isinstance(element.value, list):
        items = [[_with_uid(inside, uid) for inside in item] for item in element.value]
        return replace(element, value=items)
    return replace(element, value=uid) if element.tag in UIDS_OF_INSTANCES else element


def _second_run(sop_class: str, depth: int, syntax: str) -> None:
    """Compare the product of an instance with the product of that product."""
    original = Reading(filled(sop_class, depth).file(syntax)).elements
    first = Reading(product(filled(sop_class, depth).file(syntax)))
    second = Reading(product(first.data)).elements
    assert second.keys() == first.elements.keys(), sop_class
    for key, read in first.elements.items():
        again = second[key]
        assert (again.vr, again.items, bool(again.value)) == (read.vr, read.items, bool(read.value)), shown(
            key
        )
        if original.get(key) == read and key[0] not in MARKS:
            assert again == read, shown(key)
