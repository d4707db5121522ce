"""Elements out of order and repeated ones: a file comes out as if it had been in order, byte by byte."""

from __future__ import annotations

from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.resources import Level
from tests.compat.plans import Request
from tests.compat.strategies import SYNTAXES, Case, cases
from tests.dicom_factory import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    Element,
    encode,
    part10,
    rich,
)
from tests.support.disorder import in_order, shuffled
from tests.support.edits import WindowedSource, edited, rewriter

ALL_SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG]


class Disordered(NamedTuple):
    """A data set out of order, the same in order, and a request."""

    body: list[Element]
    ordered: list[Element]
    request: Request
    codec: str

    def file(self, syntax: str) -> bytes:
        return part10(encode(self.body, syntax, self.codec), syntax)

    def edited(self, data: bytes) -> bytes:
        request = self.request
        engine = rewriter(request.body, anonymize=request.anonymize, level=Level(request.level))
        return edited(data, engine)

    def expected(self, syntax: str) -> bytes:
        return self.edited(part10(encode(self.ordered, syntax, self.codec), syntax))


def disordered_of(draw: st.DrawFn, case: Case, least: int = 0) -> Disordered:
    body = shuffled(draw, case.body, least=least)
    if not least:  # so that it is noticed even where a modification does not look into sequences
        body += [Element(0x00080070, "LO", "late"), Element(0x00080001, "UL", 1)]
    ordered = in_order(body, drops_displaced=case.request.anonymize)
    return Disordered(body, ordered, case.request, case.codec)


@st.composite
def disordered(draw: st.DrawFn) -> Disordered:
    return disordered_of(draw, draw(cases()))


@st.composite
def disordered_in_items(draw: st.DrawFn) -> Disordered:
    case = draw(cases())
    return disordered_of(draw, Case(case.body, case.request._replace(anonymize=True)), least=1)


THOROUGH = pytest.mark.parametrize(
    "thorough", [False, pytest.param(True, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)


@THOROUGH
@given(case=disordered(), syntax=SYNTAXES)
def test_a_file_out_of_order_comes_out_as_the_file_in_order(
    thorough: bool,  # noqa: FBT001
    case: Disordered,
    syntax: str,
) -> None:
    assert case.edited(case.file(syntax)) == case.expected(syntax)


@THOROUGH
@given(case=disordered_in_items(), syntax=SYNTAXES)
def test_items_out_of_order_come_out_in_order_though_the_top_level_is(
    thorough: bool,  # noqa: FBT001
    case: Disordered,
    syntax: str,
) -> None:
    assert case.edited(case.file(syntax)) == case.expected(syntax)


@THOROUGH
@given(case=disordered(), syntax=SYNTAXES, window=st.integers(12, 300), surplus=st.integers(0, 9))
def test_files_out_of_order_are_edited_through_a_window_too(
    thorough: bool,  # noqa: FBT001
    case: Disordered,
    syntax: str,
    window: int,
    surplus: int,
) -> None:
    request = case.request
    engine = rewriter(request.body, anonymize=request.anonymize, level=Level(request.level))
    source = WindowedSource(case.file(syntax), surplus)
    with mock.patch.object(windows, "WINDOW", window):
        script = engine.rewrite(source)
    expected = case.expected(syntax)
    assert script.join(source) == expected
    assert b"".join(script.chunks(source)) == expected
    assert EditedSource(source, script).read(100, 400) == expected[100:400]


REQUESTS = {
    "anonymize": Request({}),
    "keep private": Request({"KeepPrivateTags": True}),
    "2008": Request({"DicomVersion": "2008"}),
    "modify": Request({"Replace": {"StationName": "X"}}, anonymize=False),
    "modify items": Request({"Replace": {"DerivationCodeSequence[*].StudyID": "1"}}, anonymize=False),
    "remove private": Request({"RemovePrivateTags": True}, anonymize=False),
}


@pytest.mark.parametrize("syntax", ALL_SYNTAXES)
@pytest.mark.parametrize("name", REQUESTS)
def test_every_element_may_stand_last_first_or_twice(name: str, syntax: str) -> None:
    request = REQUESTS[name]
    engine = rewriter(request.body, anonymize=request.anonymize)
    body = rich(encapsulated=syntax == JPEG)
    expected = edited(part10(encode(body, syntax), syntax), engine)
    for number, element in enumerate(body):
        others = body[:number] + body[number + 1 :]
        moved = ([*others, element], [element, *others], [*body, element])[number % 3]
        assert edited(part10(encode(moved, syntax), syntax), engine) == expected, f"{element.tag:08x}"


def test_a_large_file_out_of_order_is_put_in_order_through_windows() -> None:
    pixels = Element(0x7FE00010, "OW", bytes(range(256)) * 20_000)
    size = [Element(tag, "US", 1600) for tag in (0x00280010, 0x00280011)]
    others = [element for element in rich() if element.tag not in {pixels.tag, *(each.tag for each in size)}]
    body = [*others, *size, pixels, Element(0x00091003, "LO", "appended"), Element(0x00104000, "LT", "late")]
    data = part10(encode(body))
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.shown < len(data) / 2
    assert script.join(BufferSource(data)) == edited(part10(encode(in_order(body))), rewriter({}))
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 20_000
