"""Private elements behind a repeated creator of another value are its own, not the first one's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.disorder import in_order
from tests.support.edits import edited, rewriter

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
NAME = Element(0x00100010, "PN", "Doe^Jane")
KEPT: dict[str, Any] = {"KeepPrivateTags": True}


def file_of(body: list[Element], syntax: str) -> bytes:
    return part10(encode(body, syntax), syntax)


def nested(body: list[Element], *, undefined: bool) -> list[Element]:
    """Return a data set that holds another one two sequences down."""
    items = [[Element(0x00100020, "LO", "P1"), Element(0x00089215, "SQ", [body], undefined=undefined)]]
    return [Element(0x00081250, "SQ", items, undefined=undefined), NAME]


PRIVATE = st.lists(
    st.one_of(
        st.builds(
            lambda group, block, value: Element(group << 16 | block, "LO", value),
            st.sampled_from([0x0009, 0x0029]),
            st.sampled_from([0x10, 0x11, 0xFF]),
            st.sampled_from(["ACME", "ACME ", "OTHER", "THIRD", ""]),
        ),
        st.builds(
            lambda group, block, number: Element(group << 16 | block << 8 | number, "LO", f"{number}"),
            st.sampled_from([0x0009, 0x0029]),
            st.sampled_from([0x10, 0x11, 0xFF]),
            st.sampled_from([0x00, 0x01, 0xFF]),
        ),
    ),
    min_size=2,
    max_size=12,
)


def numbered(body: list[Element]) -> list[Element]:
    """Return private elements whose values are all different."""
    return [
        element if element.tag & 0xFFFF <= 0xFF else Element(element.tag, "LO", f"value {number}")
        for number, element in enumerate(body)
    ]


@given(private=PRIVATE, syntax=st.sampled_from(SYNTAXES), anonymize=st.booleans())
def test_what_is_anothers_goes_or_moves_to_a_free_block(
    private: list[Element],
    syntax: str,
    anonymize: bool,  # noqa: FBT001
) -> None:
    engine = rewriter(KEPT if anonymize else {}, anonymize=anonymize)
    body = [NAME, *numbered(private)]
    expected = file_of(in_order(body, drops_displaced=anonymize), syntax)
    assert edited(file_of(body, syntax), engine) == edited(expected, engine)


@given(private=PRIVATE, syntax=st.sampled_from(SYNTAXES), anonymize=st.booleans(), undefined=st.booleans())
def test_so_it_does_in_items(
    private: list[Element],
    syntax: str,
    anonymize: bool,  # noqa: FBT001
    undefined: bool,  # noqa: FBT001
) -> None:
    engine = rewriter(KEPT if anonymize else {"Replace": {"0008,1250[*].StudyID": "1"}}, anonymize=anonymize)
    body = [NAME, *nested(numbered(private), undefined=undefined)]
    expected = file_of(in_order(body, drops_displaced=anonymize), syntax)
    assert edited(file_of(body, syntax), engine) == edited(expected, engine)


def test_elements_of_both_creators_stay_apart() -> None:
    body = [
        Element(0x00290010, "LO", "ACME"),
        Element(0x00291001, "LO", "of ACME"),
        Element(0x00290012, "LO", "THIRD"),
        Element(0x00290010, "LO", "OTHER"),
        Element(0x00291001, "LO", "of OTHER"),
        Element(0x00291002, "LO", "too"),
        Element(0x00290010, "LO", "ACME"),
        Element(0x00291003, "LO", "of ACME, late"),
    ]
    moved = [
        Element(0x00290010, "LO", "ACME"),
        Element(0x00290011, "LO", "OTHER"),
        Element(0x00290012, "LO", "THIRD"),
        Element(0x00291001, "LO", "of ACME"),
        Element(0x00291003, "LO", "of ACME, late"),
        Element(0x00291101, "LO", "of OTHER"),
        Element(0x00291102, "LO", "too"),
    ]
    kept = [element for element in moved if element.tag not in {0x00290011, 0x00291101, 0x00291102}]
    for anonymize, expected in ((False, moved), (True, kept)):
        output = edited(file_of(body, EXPLICIT), rewriter(KEPT if anonymize else {}, anonymize=anonymize))
        assert encode(expected) in output
        assert (b"OTHER" in output) is not anonymize


def test_without_a_free_block_the_file_is_refused() -> None:
    creators = [Element(0x00290000 | number, "LO", "ACME") for number in range(0x10, 0x100)]
    body = [*creators, Element(0x00290010, "LO", "OTHER"), Element(0x00291001, "LO", "value")]
    with pytest.raises(BadFileFormatError, match="0029"):
        edited(file_of(body, EXPLICIT), rewriter({}, anonymize=False))
    assert b"value" not in edited(file_of(body, EXPLICIT), rewriter(KEPT))
