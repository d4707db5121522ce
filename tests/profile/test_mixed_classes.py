"""One engine for files of several SOP classes, in whatever order they come."""

from __future__ import annotations

import contextlib

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.profile.instances import COMPREHENSIVE_SR, CT, ENHANCED_MR, bytes_of
from tests.profile.objects import filled
from tests.profile.products import engine, product
from tests.support.edits import edited

SHALLOW = 1
PRIVATE = "1.2.276.0.7230010.3.1.0.1"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_each_file_is_judged_by_its_own_class(syntax: str) -> None:
    files = [filled(sop_class, SHALLOW).file(syntax) for sop_class in (CT, COMPREHENSIVE_SR, ENHANCED_MR)]
    files += [bytes_of(sop_class=PRIVATE, syntax=syntax), bytes_of(Element(0x00080060, "CS", "CT"))]
    alone = [product(data) for data in files]
    shared = engine()
    for number in (0, 1, 0, 2, 2, 3, 1, 4, 3, 0, 4, 4):
        assert edited(files[number], shared) == alone[number]


def test_a_file_that_is_refused_leaves_no_trace_in_the_next() -> None:
    text_for_geometry = bytes_of(Element(0x00200032, "DS", "0\\Zorblatt\\0"))
    good = filled(COMPREHENSIVE_SR, SHALLOW).file()
    shared = engine()
    for data in (good, text_for_geometry, good, text_for_geometry):
        with contextlib.nullcontext() if data is good else pytest.raises(BadFileFormatError):
            assert edited(data, shared) == product(good)
