"""Where anonymization leaves Orthanc's way on purpose: names in items, curves and overlays."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.editions.profiles import EDITIONS
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, SYNTAXES, Element
from tests.support.edits import anonymized, modified
from tests.support.small_files import IMAGES, NAME, NAMED, every, nested, small_file, tree_of, values_of

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
