"""There and back again: a data set says the same whatever encodings it has been through."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compat.strategies import elements
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.disorder import in_order, shuffled
from tests.support.recoded import ENCODINGS, body, recoded

SYNTAXES = st.sampled_from(ENCODINGS)


def as_implicit(data: bytes) -> bytes:
    """Return a data set in implicit VR, in which an element of VR UN is what it is."""
    return body(recoded(data, IMPLICIT))


@settings(max_examples=25)
@given(elements(), SYNTAXES, SYNTAXES, SYNTAXES)
def test_a_data_set_is_the_same_behind_any_encodings(
    found: list[Element], of: str, through: str, to: str
) -> None:
    data = part10(encode(found, of), of)
    assert as_implicit(data) == encode(found, IMPLICIT)
    last = recoded(recoded(data, through), to)
    assert as_implicit(last) == encode(found, IMPLICIT)
    assert body(recoded(last, to)) == body(last)


def named(found: list[Element]) -> list[Element]:
    """Return a data set without elements of VR UN that are something else, which are not looked into."""
    return [
        replace(
            element,
            unknown=False,
            value=[named(item) for item in element.value]
            if isinstance(element.value, list)
            else element.value,
        )
        for element in found
    ]


@st.composite
def disordered(draw: st.DrawFn) -> list[Element]:
    return shuffled(draw, named(draw(elements())))


@settings(max_examples=12)
@given(disordered(), st.sampled_from([IMPLICIT, EXPLICIT, BIG]))
def test_a_data_set_out_of_order_comes_out_as_one_in_order(found: list[Element], of: str) -> None:
    file = part10(encode(found, of), of)
    for to in {IMPLICIT, EXPLICIT, BIG} - {of}:
        assert as_implicit(recoded(file, to)) == encode(in_order(found), IMPLICIT)
