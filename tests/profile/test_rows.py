"""Each row of PS3.15 Table E.1-1 with each option, at the top level and nested, where it is legal and not."""

from __future__ import annotations

import dataclasses

import pytest

from tests.dicom_factory import Element
from tests.profile.expectation import ETHICS_COMMITTEE_NAME, NEST, SETTLED, Expectations
from tests.profile.facts import OPTIONS, ROWS, Row, types
from tests.profile.instances import changed
from tests.profile.objects import UNKNOWN_SOP_CLASS, crowded
from tests.profile.products import CHOICES, file_of, product
from tests.profile.readings import Reading
from tests.profile.verdicts import judged

# Together they tell every action of every row from every other one that any SOP class could tell.
PLACES = (
    UNKNOWN_SOP_CLASS,
    "1.2.840.10008.5.1.4.1.1.12.2",  # X-Ray radiofluoroscopic image
    "1.2.840.10008.5.1.4.1.1.104.2",  # encapsulated CDA
    "1.2.840.10008.5.1.4.1.1.481.2",  # RT dose
    "1.2.840.10008.5.1.4.1.1.481.5",  # RT plan
    "1.2.840.10008.5.1.4.39.1",  # colour palette
    "1.2.840.10008.5.1.4.44.1",  # implant assembly template
)
OTHER_ACTIONS = ("D", "U", "Z", "X/D", "X/Z", "X/Z/D", "Z/D")
FIRST_OF_A_DATA_SET = 0x00080000


@pytest.mark.parametrize(
    ("sop_class", "options"),
    [
        *((PLACES[0], options) for options in CHOICES),
        (PLACES[1], ()),
        *(
            pytest.param(place, options, marks=pytest.mark.slow)
            for place in PLACES[1:]
            for options in CHOICES
            if place != PLACES[1] or options
        ),
    ],
)
def test_every_row_has_its_outcome(sop_class: str, options: tuple[str, ...]) -> None:
    built = crowded(sop_class)
    verdict = judged(built, product(built.file(), *options), Expectations(options))
    assert not verdict, verdict


def test_rows_of_commands_directories_and_file_meta_leave_no_original() -> None:
    outside = [tag for tag in ROWS if tag < FIRST_OF_A_DATA_SET]
    assert outside == sorted([0x00001000, 0x00020003, 0x00041511, 0x00001001], key=outside.index)
    original = "1.2.826.0.1.3680043.9.7777.1"
    elements = [
        *(Element(tag, "UI", f"{original}.{tag}") for tag in outside if tag >> 16 != 2),
        Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
        Element(0x00080018, "UI", original),
        Element(0x0020000D, "UI", f"{original}.2"),
        Element(0x0020000E, "UI", f"{original}.3"),
    ]
    written = product(file_of(elements))
    found = Reading(written)
    assert original.encode() not in written
    assert not [key for key in found.elements if key[0] < FIRST_OF_A_DATA_SET]
    assert found.meta[0x00020003,].value == found.elements[0x00080018,].value


@pytest.mark.parametrize("options", CHOICES, ids="+".join)
def test_rows_of_repeating_groups_and_of_private_attributes_leave_nothing(options: tuple[str, ...]) -> None:
    groups = [first + 2 * number for first in (0x5000, 0x6000) for number in range(16)]
    hidden = [
        *(Element(group << 16 | 0x3000, "OW", b"Zorblatt") for group in groups),
        *(Element(group << 16 | 0x1500, "LO", "Zorblatt") for group in groups),
        Element(0x00090010, "LO", "Zorblatt"),
        Element(0x00091010, "LO", "Zorblatt"),
    ]
    found = changed(*hidden, Element(NEST, "SQ", [sorted(hidden, key=lambda e: e.tag)]), options=options)
    assert b"Zorblatt" not in found.data
    assert found.elements[NEST,].items == 1


@pytest.mark.parametrize(
    "action", ["X", "K", *(pytest.param(action, marks=pytest.mark.slow) for action in OTHER_ACTIONS)]
)
def test_another_action_in_any_row_would_be_seen(action: str) -> None:
    """Where no place tells two actions apart, no SOP class does: they mean the same for that attribute."""
    for tag, row in ROWS.items():
        if tag < FIRST_OF_A_DATA_SET or row.basic == action:
            continue
        other = Expectations(rows={tag: dataclasses.replace(row, basic=action)})
        if not any(Expectations().differs(other, place, tag) for place in PLACES):
            assert not any(Expectations().differs(other, place, tag) for place in types().sop_classes)


def test_an_option_lost_or_added_in_any_row_would_be_seen() -> None:
    for tag, row in ROWS.items():
        if tag < FIRST_OF_A_DATA_SET or tag >> 24 == 0x60 or tag in {*SETTLED, ETHICS_COMMITTEE_NAME}:
            continue
        for option in OPTIONS:
            other = {tag: _switched(row, option)}
            table, altered = Expectations([option]), Expectations([option], other)
            says = row.options.get(option)
            told = any(table.differs(altered, place, tag) for place in PLACES)
            # References are kept and mapped all the same; what is cleaned without a cleaner is not kept.
            assert told or row.basic == "X/Z/U*" or says == "C", f"{tag:08X} {option}"


def _switched(row: Row, option: str) -> Row:
    options = {name: says for name, says in row.options.items() if name != option}
    return dataclasses.replace(row, options=options if option in row.options else {**options, option: "K"})
