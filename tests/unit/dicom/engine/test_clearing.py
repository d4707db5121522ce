"""What a profile clears: the element stays without a value (spec 3.3, step 3; 3.7, rule 4)."""

from __future__ import annotations

import pytest

from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, EXPLICIT, Element, encode, part10
from tests.support.edits import anonymized

BIRTH_DATE, CONTENT, REFERENCES = 0x00100030, 0x0040A730, 0x00081140


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
@pytest.mark.parametrize(("vr", "value"), [("LO", "19700101"), ("UT", "1970"), ("UN", b"1970"), ("US", 1)])
def test_at_the_top_level_it_gets_the_vr_of_the_dictionary(syntax: str, vr: str, value: str | int) -> None:
    data = encode([Element(0x00080018, "UI", "1.2.3"), Element(BIRTH_DATE, vr, value)], syntax)
    node = read_file(anonymized(part10(data, syntax))).tree[BIRTH_DATE]
    assert (node.vr, node.value) == ("DA", b"")


def test_a_sequence_loses_its_items_and_what_should_be_one_becomes_one() -> None:
    for element in (Element(CONTENT, "SQ", [[]]), Element(CONTENT, "LT", "text")):
        data = part10(encode([Element(0x00080018, "UI", "1.2.3"), element]))
        node = read_file(anonymized(data)).tree[CONTENT]
        assert (node.vr, node.items) == ("SQ", [])


def test_in_items_text_keeps_its_vr_and_the_rest_goes() -> None:
    items = [[Element(BIRTH_DATE, "LO", "1970")], [Element(BIRTH_DATE, "US", 1970)]]
    data = part10(encode([Element(0x00080018, "UI", "1.2.3"), Element(REFERENCES, "SQ", items)]))
    first, second = read_file(anonymized(data)).tree[REFERENCES].items or []
    assert (first[BIRTH_DATE].vr, first[BIRTH_DATE].value) == ("LO", b"")
    assert BIRTH_DATE not in second
