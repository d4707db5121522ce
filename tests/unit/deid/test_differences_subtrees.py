"""Where anonymization leaves Orthanc's way on purpose: kept sequences, and private tags."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, modified
from tests.support.small_files import (
    CREATOR,
    IMAGES,
    INSTANCE,
    NAME,
    NAMED,
    PATIENT_ID,
    PRIVATE,
    PRIVATE_SEQUENCE,
    REFERENCED_INSTANCE,
    SEQUENCE,
    STUDY_DATE,
    every,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

SUBTREE = [
    Element(STUDY_DATE, "DA", "20200101"),
    Element(REFERENCED_INSTANCE, "UI", "1.2.30"),
    Element(CREATOR, "LO", "ACME"),
    Element(PRIVATE, "LO", "private"),
    Element(PATIENT_ID, "LO", "PID"),
]


@pytest.mark.parametrize("keep", ["0008,1250", "0008,1250[*].0008,1250", "0008,1250[0].0008,1250"])
def test_keep_of_a_sequence_keeps_its_subtree_but_for_names(keep: str) -> None:
    data = small_file(nested(*SUBTREE, NAMED, depth=3), nested(*SUBTREE, NAMED, tag=IMAGES))
    output = anonymized(data, Keep=[keep])
    before, after = tree_of(data)[SEQUENCE], tree_of(output)[SEQUENCE]
    for _ in range(2):
        (before,), (after,) = ([item[SEQUENCE] for item in node.items or []] for node in (before, after))
    (inner,), (kept) = before.items or [], (after.items or [])[0]
    assert {tag for tag in inner if inner[tag] != kept[tag]} == {NAME}
    assert kept[NAME].value == b""
    (other,) = tree_of(output)[IMAGES].items or []
    assert sorted(other) == [STUDY_DATE, REFERENCED_INSTANCE, NAME, PATIENT_ID]
    assert not {other[tag].value for tag in other} & {element.value for element in SUBTREE}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_private_tags_are_removed_at_every_depth(syntax: str) -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    data = small_file(*private, nested(*private, depth=4), syntax=syntax)
    for output in (anonymized(data), modified(data, RemovePrivateTags=True)):
        assert not every(output, CREATOR) + every(output, PRIVATE)
    for output in (anonymized(data, KeepPrivateTags=True), modified(data)):
        assert values_of(output, PRIVATE) == [b"private"] * 2


@pytest.mark.parametrize(
    "keep", ["0008,1250", "0008,1250[0].0008,1250", "0008,1250[*].0008,1250[0].0009,1001"]
)
def test_private_tags_in_a_kept_subtree_stay(keep: str) -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    data = small_file(*private, nested(*private, depth=2), nested(*private, tag=IMAGES))
    for output in (anonymized(data, Keep=[keep]), modified(data, Keep=[keep], RemovePrivateTags=True)):
        assert values_of(output, PRIVATE) == [b"private"]


def test_a_private_leaf_is_kept_where_it_was_named_and_no_deeper() -> None:
    private = [Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    output = anonymized(small_file(*private, nested(*private)), Keep=["0009,1001"])
    assert values_of(output, PRIVATE) == [b"private"]
    assert not every(output, CREATOR), "as in Orthanc: it was not named"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_the_profile_reaches_into_private_sequences(syntax: str, unknown: bool, undefined: bool) -> None:  # noqa: FBT001
    inside = [
        Element(INSTANCE, "UI", "1.2.3"),
        Element(STUDY_DATE, "DA", "20200101"),
        Element(PRIVATE, "LO", "private"),
        NAMED,
        Element(PATIENT_ID, "LO", "PID"),
    ]
    sequence = Element(PRIVATE_SEQUENCE, "SQ", [inside], undefined=undefined, unknown=unknown)
    data = small_file(Element(CREATOR, "LO", "ACME"), sequence, nested(sequence), syntax=syntax)
    output = anonymized(data, KeepPrivateTags=True)
    assert values_of(output, NAME) == [b"Anonymized1", b"", b""]
    assert set(values_of(output, PATIENT_ID)) == {value_of(output, PATIENT_ID)}
    assert set(values_of(output, INSTANCE)) == {value_of(output, INSTANCE)}
    assert values_of(output, STUDY_DATE) == [b"", b""]
    assert values_of(output, PRIVATE) == [b"private"] * 2
    named = anonymized(data, Keep=["0009,1002"])
    assert values_of(named, NAME) == [b"Anonymized1", b""]
    assert values_of(named, PATIENT_ID)[1] == b"PID", "a private sequence that is named keeps the rest"
