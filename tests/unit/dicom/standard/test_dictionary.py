"""The dictionaries against pydicom's, from which they were made."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydicom import datadict
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

from dicomorph.dicom.standard.dictionary import is_private_creator, keyword_of, tag_of, vr_of
from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.model.settings import PrivateTag


def test_every_public_tag_has_its_vr_and_keyword() -> None:
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        assert vr_of(tag) == ("UN" if vr == "NONE" else vr)
        assert keyword_of(tag) == keyword
        if keyword:
            assert tag_of(keyword) == tag


def test_every_repeating_group_is_found_in_any_of_its_groups() -> None:
    for mask, (vr, _, _, _, keyword) in RepeatersDictionary.items():
        for digit in "024e":
            tag = int(mask.replace("x", digit), 16)
            if tag not in DicomDictionary:
                assert vr_of(tag) == vr
                assert keyword_of(tag) == keyword
        assert tag_of(keyword) == int(mask.replace("x", "0"), 16)


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00120000, "UL"),
        (0x00129999, "UN"),
        (0x00090000, "UL"),
        (0x00090010, "LO"),
        (0x00091001, "UN"),
        (0x60013000, "UN"),
        (0xFFFEE000, "UN"),
        (0x00280106, "US or SS"),
        (0x7FE00010, "OB or OW"),
    ],
)
def test_tags_beyond_the_table(tag: int, vr: str) -> None:
    assert vr_of(tag) == vr


def test_keywords_are_case_sensitive_and_may_carry_the_prefix_of_retired_ones() -> None:
    assert tag_of("OtherPatientIDs") == tag_of("RETIRED_OtherPatientIDs") == 0x00101000
    assert tag_of("RETIRED_PatientName") is None
    assert tag_of("patientname") is None
    assert tag_of("PatientsName") is None
    assert tag_of("") is None


def test_private_creators_are_those_that_reserve_a_block() -> None:
    assert is_private_creator(0x00090010)
    assert is_private_creator(0x000900FF)
    assert not is_private_creator(0x00090001)
    assert not is_private_creator(0x00080010)


def test_well_known_private_tags_are_found_in_any_block_of_their_creator() -> None:
    dictionary = PrivateDictionary()
    for tag in (0x00191002, 0x0019AB02):
        found = dictionary.find(tag, "GEMS_ACQU_01")
        assert found is not None
        assert found.vr == datadict.private_dictionary_VR(tag, "GEMS_ACQU_01")
    assert dictionary.find(0x00191002, "") is None
    assert dictionary.find(0x00191002, "Nobody") is None


def test_declared_tags_win_and_match_by_creator_and_by_block_if_they_name_one() -> None:
    dictionary = PrivateDictionary(
        (
            PrivateTag(0x00191002, "UT", "Mine", "GEMS_ACQU_01"),
            PrivateTag(0x00090010, "LO", "Private data element", "Lunit"),
            PrivateTag(0x00091001, "??", "Broken", "Lunit"),
            PrivateTag(0x00129999, "DA", "PublicOne", ""),
        )
    )
    assert dictionary.find(0x00191002, "GEMS_ACQU_01") == ("UT", "Mine")
    assert dictionary.find(0x00191102, "GEMS_ACQU_01") != ("UT", "Mine")
    assert dictionary.find(0x00091010, "Lunit") == ("LO", "Private data element")
    assert dictionary.find(0x00091001, "Lunit") == ("UN", "Broken")
    assert dictionary.find(0x00129999, "Lunit") == ("DA", "PublicOne")
    assert dictionary.tag_of("Mine") == 0x00191002
    assert dictionary.tag_of("mine") is None


def test_the_dictionaries_are_read_when_needed_and_without_pydicom() -> None:
    program = """
import sys
from dicomorph.dicom.standard import dictionary as public, private_dictionary as private
assert public._document.cache_info().currsize == private._well_known.cache_info().currsize == 0
public.vr_of(0x00100010)
assert public._tags_by_keyword.cache_info().currsize == private._well_known.cache_info().currsize == 0
private.PrivateDictionary().find(0x00191002, "GEMS_ACQU_01")
assert "pydicom" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
