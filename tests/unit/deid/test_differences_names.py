"""Where anonymization leaves Orthanc's way on purpose: names in items, curves and overlays."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.editions.profiles import EDITIONS
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, SYNTAXES, Element
from tests.support.edits import anonymized, modified
from tests.support.small_files import (
    IMAGES,
    NAME,
    NAMED,
    SEQUENCE,
    every,
    nested,
    small_file,
    tree_of,
    values_of,
)

# Two groups of curves, two of overlays; points, comments, subtypes and rows too.
GRAPHICS = [
    Element(0x50000005, "US", 2),
    Element(0x50002500, "LO", "curve label"),
    Element(0x501E3000, "OW", (1, 2)),
    Element(0x60000010, "US", 2),
    Element(0x60000022, "LO", "overlay description"),
    Element(0x60001500, "LO", "overlay label"),
    Element(0x60003000, "OW", (1, 2)),
    Element(0x601E0022, "LO", "another overlay"),
    Element(0x601E4000, "LT", "overlay comment"),
]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_curves_and_overlays_are_removed_at_every_depth_in_every_edition(edition: str, syntax: str) -> None:
    data = small_file(*GRAPHICS, nested(*GRAPHICS, depth=2), syntax=syntax)
    output = anonymized(data, DicomVersion=edition)
    assert all(len(every(data, element.tag)) == 2 for element in GRAPHICS)
    assert not any(every(output, element.tag) for element in GRAPHICS)
    assert b"overlay" not in output
    assert tree_of(modified(data)).keys() >= {element.tag for element in GRAPHICS}


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_odd_groups_among_curves_and_overlays_are_private(edition: str, syntax: str) -> None:
    groups = [*range(0x5000, 0x5100), *range(0x6000, 0x6100)]
    numbers = (0x0010, 0x1001)
    elements = [Element(group << 16 | number, "LO", "ACME") for group in groups for number in numbers]
    data = small_file(*elements, nested(*elements, depth=2), syntax=syntax)
    odd = {element.tag for element in elements if element.tag >> 16 & 1}
    for output, left in (
        (anonymized(data, DicomVersion=edition, KeepPrivateTags=True), odd),
        (anonymized(data, DicomVersion=edition), set()),
        (modified(data, RemovePrivateTags=True), {element.tag for element in elements} - odd),
    ):
        (outer,) = tree_of(output)[SEQUENCE].items or []
        (inner,) = outer[SEQUENCE].items or []
        assert set(inner) == left
        assert {tag for tag in tree_of(output) if tag >> 16 in groups} == left


def test_an_overlay_that_the_request_names_stays() -> None:
    data = small_file(*GRAPHICS, nested(*GRAPHICS))
    output = anonymized(data, Keep=["6000,0022"], Replace={"6000,1500": "new"})
    assert values_of(output, 0x60000022) == [b"overlay description"] * 2
    assert values_of(output, 0x60001500) == [b"new"]
    assert not every(output, 0x60003000)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True])
def test_no_nested_patient_name_stays_in_clear(edition: str, syntax: str, undefined: bool) -> None:  # noqa: FBT001
    data = small_file(nested(NAMED, depth=4, undefined=undefined), nested(NAMED, tag=IMAGES), syntax=syntax)
    bodies: list[dict[str, Any]] = [
        {},
        {"Replace": {"PatientName": "New"}},
        {"Remove": ["PatientName"]},
        {"Keep": ["0008,1250", "ReferencedImageSequence"]},
        {"Keep": ["0008,1250[0].0008,1250", "ReferencedImageSequence[1].PatientName"]},
        {"Replace": {"ReferencedImageSequence[0].PatientName": "Nobody"}},
        {"KeepPrivateTags": True},
    ]
    for body in bodies:
        output = anonymized(data, DicomVersion=edition, **body)
        assert set(values_of(output, NAME)) <= {b"", b"Anonymized1", b"New", b"Nobody"}, body


def test_a_nested_patient_name_stays_where_it_is_named() -> None:
    data = small_file(nested(NAMED, depth=2), nested(NAMED, tag=IMAGES))
    by_path = {"Keep": ["0008,1250[0].0008,1250[*].PatientName"]}
    assert values_of(anonymized(data, **by_path), NAME) == [b"Anonymized1", b"", b"Nested^Name"]
    by_tag = {"Keep": ["PatientName"]}
    assert values_of(anonymized(data, **by_tag), NAME) == [b"Original^Name", b"Nested^Name", b"Nested^Name"]
    with_subtree = {"Keep": ["0008,1250", "0008,1250[0].0008,1250[0].PatientName"]}
    assert values_of(anonymized(data, **with_subtree), NAME) == [b"Anonymized1", b"", b"Nested^Name"]
