from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.standard.tag_path import TagNames, TagPath
from dicomorph.model.errors import DicomorphError, ParameterOutOfRangeError, UnknownDicomTagError
from dicomorph.model.settings import PrivateTag

NAMES = TagNames((PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),))


@pytest.mark.parametrize(
    "text",
    ["0010,0010", "0010-0010", "00100010", "PatientName", "0x0010,0x0010"],
)
def test_a_tag_has_many_names(text: str) -> None:
    assert NAMES.tag(text) == 0x00100010


def test_hexadecimal_digits_have_any_case() -> None:
    assert NAMES.tag("0020,000D") == NAMES.tag("0020000d") == 0x0020000D


def test_names_of_the_setting_dictionary_are_known() -> None:
    assert NAMES.tag("RadioButton3") == 0x43211012


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "patientname",
        "Patient's Name",
        "PatientsName",
        "0010,001",
        "0010,0010 ",
        "(0010,0010)",
        "0010_0010",
    ],
)
def test_other_names_of_plain_tags_are_unknown(text: str) -> None:
    with pytest.raises(UnknownDicomTagError):
        NAMES.tag(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("PatientName", TagPath((), 0x00100010)),
        ("(0010,0010)", TagPath((), 0x00100010)),
        (" PatientName ", TagPath((), 0x00100010)),
        ("ReferencedImageSequence[0].PatientID", TagPath(((0x00081140, 0),), 0x00100020)),
        ("0008,1140[*].0010,0020", TagPath(((0x00081140, None),), 0x00100020)),
        (
            " (0008,1140) [ 12 ] . 00081115 [*] . (0010,0020) ",
            TagPath(((0x00081140, 12), (0x00081115, None)), 0x00100020),
        ),
        ("PatientName[0].PatientID", TagPath(((0x00100010, 0),), 0x00100020)),
        ("RadioButton3[1].RadioButton3", TagPath(((0x43211012, 1),), 0x43211012)),
    ],
)
def test_paths_lead_through_items_to_a_tag(text: str, path: TagPath) -> None:
    assert NAMES.path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "ReferencedImageSequence.PatientID",
        "ReferencedImageSequence[0.PatientID",
        "[0].PatientID",
        "ReferencedImageSequence[-1].PatientID",
        "ReferencedImageSequence[x].PatientID",
        "ReferencedImageSequence[].PatientID",
        "ReferencedImageSequence[1_0].PatientID",
        "ReferencedImageSequence[99999999999].PatientID",
        ".PatientID",
    ],
)
def test_broken_paths_are_out_of_range(text: str) -> None:
    with pytest.raises(ParameterOutOfRangeError):
        NAMES.path(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "Nope",
        "ReferencedImageSequence[0].",
        "ReferencedImageSequence[0].Nope",
        "ReferencedImageSequence[0]",
        "ReferencedImageSequence[0",
        "Nope[0].PatientID",
    ],
)
def test_paths_to_unknown_tags_are_unknown(text: str) -> None:
    with pytest.raises(UnknownDicomTagError):
        NAMES.path(text)


def test_an_error_repeats_a_name_but_nothing_that_may_be_a_value() -> None:
    with pytest.raises(UnknownDicomTagError, match="patientname"):
        NAMES.tag("patientname")
    with pytest.raises(UnknownDicomTagError) as caught:
        NAMES.tag("Dr. Jane Doe")
    assert caught.value.details == ""


@given(st.text(alphabet="[]*.,()- 01x8PatienID", max_size=40))
def test_any_text_is_a_path_or_an_error_of_ours(text: str) -> None:
    try:
        path = NAMES.path(text)
    except DicomorphError:
        return
    assert 0 <= path.tag <= 0xFFFFFFFF
