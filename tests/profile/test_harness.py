"""The judges of the profile are judged first: what they build is sound, and they see what is wrong."""

from __future__ import annotations

import warnings
from io import BytesIO

import pydicom
import pytest

from tests.dicom_factory import EXPLICIT, SYNTAXES
from tests.profile.expectation import Expectations
from tests.profile.facts import OPTIONS, ROWS, types
from tests.profile.objects import DIRECTORY, UNKNOWN_SOP_CLASS, crowded, filled
from tests.profile.products import ENCODINGS, product
from tests.profile.readings import Reading
from tests.profile.verdicts import judged

CT = "1.2.840.10008.5.1.4.1.1.2"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


def test_the_facts_are_complete() -> None:
    assert len(ROWS) == 655
    assert len(types().sop_classes) == 183
    assert {name for row in ROWS.values() for name in row.options} == set(OPTIONS) - {"RetainSafePrivate"}


@pytest.mark.parametrize("syntax", ENCODINGS)
def test_another_reader_finds_every_element_of_an_instance(syntax: str) -> None:
    built = filled(CT, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not know the newest tags
        found = pydicom.dcmread(BytesIO(built.file(syntax)))
        tags = [int(element.tag) for element in found.iterall()]
    read = Reading(built.file(syntax))
    assert set(read.elements) == set(built.keys)
    if syntax == EXPLICIT:  # in the others, sequences that it does not know remain closed
        assert sorted(tags) == sorted(key[-1] for key in built.keys)


@pytest.mark.slow
def test_every_iod_is_built_with_all_that_it_defines() -> None:
    for sop_class in types().sop_classes:
        if sop_class == DIRECTORY:
            continue
        built = filled(sop_class, 0)
        absent = types().at(sop_class, ()).keys() - {key[0] for key in built.keys}
        assert all(tag >> 16 in {0x7FE0, 0x0028} or sequence(tag) for tag in absent), sop_class


def sequence(tag: int) -> bool:
    return not pydicom.datadict.dictionary_has_tag(tag) or pydicom.datadict.dictionary_VR(tag) == "SQ"


def test_a_crowded_instance_holds_every_row_twice() -> None:
    keys = set(crowded(UNKNOWN_SOP_CLASS).keys)
    for tag in ROWS:
        if tag >= 0x00080000:
            assert (tag,) in keys
            assert (0x00081250, 0, tag) in keys


def test_an_untouched_file_is_found_to_leak_all_that_should_go() -> None:
    built = filled(STRUCTURE_SET)
    verdict = judged(built, built.file(), Expectations())
    assert len(verdict.leaks) > 300
    assert not verdict.over_removed
    assert not verdict.invalid
    assert not verdict.added


def test_an_older_edition_is_found_to_leak_newer_rows_and_to_empty_required_values() -> None:
    built = filled(STRUCTURE_SET, 2)
    verdict = judged(built, product(built.file(), edition="2023b"), Expectations())
    leaks = {place.partition(":")[0] for place in verdict.leaks}
    assert {"00081301", "30060020/3006004D"} <= leaks
    assert {"00120010: type 1, empty", "30060002: type 1, empty"} <= verdict.invalid
    assert not any("30060020/30060022" in place for place in verdict.over_removed)


def test_all_transfer_syntaxes_judged_are_native_ones() -> None:
    assert set(ENCODINGS) < set(SYNTAXES)
