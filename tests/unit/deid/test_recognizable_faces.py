"""Slices of heads from which a face can be rebuilt, as far as they say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.model.reasons import Reason
from tests.support.judged import ANATOMY, ENHANCED_CT, MEASURES, MR, PER_FRAME, PT, SHARED, measured, said
from tests.support.risky_images import (
    CT,
    HEAD_OF_SCT,
    STORAGE,
    Image,
    body_part,
    groups,
    region,
    text,
    thickness,
)

FACES = {
    "CT": Image(CT, [body_part("HEAD"), thickness("0.625")]),
    "MR": Image(MR, [body_part("BRAIN"), thickness("1")]),
    "PT": Image(PT, [body_part("HEADNECK"), thickness("3.27")]),
    "padding and small letters": Image(CT, [body_part("head \0"), thickness(" 1.0 ")]),
    "words": Image(CT, [body_part("Head and Neck"), thickness("1.0")]),
    "several parts": Image(CT, [body_part("CHEST\\SKULL"), thickness("1.0\\5.0")]),
    "whole body": Image(PT, [body_part("WHOLEBODY"), thickness("2")]),
    "by code": Image(CT, [region(HEAD_OF_SCT), thickness("1.0")]),
    "by code, sent as UN": Image(CT, [replace(region(HEAD_OF_SCT), unknown=True), thickness("1.0")]),
    "by code, though a part is named": Image(CT, [region(HEAD_OF_SCT), body_part("CHEST"), thickness("1")]),
    "by the code of SRT": Image(CT, [region([text(0x00080100, "T-D1100", "SH")]), thickness("1.0")]),
    "thick slices close together": Image(
        CT, [body_part("HEAD"), thickness("5"), text(0x00180088, "1", "DS")]
    ),
    "slices of unknown thickness": Image(CT, [body_part("HEAD")]),
    "slices of empty thickness": Image(CT, [body_part("HEAD"), thickness("")]),
    "thickness that is no number": Image(CT, [body_part("HEAD"), thickness("thin")]),
    "thickness that is NaN": Image(CT, [body_part("HEAD"), thickness("nan")]),
    "of no named part": Image(MR, [text(0x0008103E, "t1 mprage, brain", "LO"), thickness("1")]),
    "of no named part, in the study": Image(CT, [text(0x00081030, "CT HEAD/NECK", "LO"), thickness("1")]),
    "of no named part, by the protocol": Image(
        CT, [text(0x00181030, "01_Head^Routine", "LO"), thickness("1")]
    ),
    "said so": Image(STORAGE + "1", [text(0x00280302, "yes ")]),
    "teeth": Image(STORAGE + "13.1.2", [thickness("0.2")]),
    "shared groups": Image(ENHANCED_CT, [body_part("HEAD"), measured(SHARED, thickness("1.0"))]),
    "groups of frames": Image(ENHANCED_CT, [body_part("HEAD"), measured(PER_FRAME, thickness("1.0"))]),
    "of undefined length": Image(
        ENHANCED_CT, [body_part("HEAD"), measured(SHARED, thickness("1.0"), undefined=True)]
    ),
    "region in groups": Image(
        ENHANCED_CT, [groups(SHARED, groups(ANATOMY, region(HEAD_OF_SCT)), groups(MEASURES, thickness("1")))]
    ),
    "of a private class": Image("1.2.3.4", [body_part("HEAD"), thickness("1")], modality="MR"),
}


@pytest.mark.parametrize("kind", FACES)
def test_thin_slices_of_a_head_are_flagged_and_never_refused(kind: str) -> None:
    assert Reason.RECOGNIZABLE_FACE in said(FACES[kind])
    assert Reason.RECOGNIZABLE_FACE in said(FACES[kind], refuses_burned_in=True)


@pytest.mark.parametrize(
    "image",
    [
        Image(CT, [body_part("CHEST"), thickness("0.625")]),
        Image(CT, [thickness("0.625")]),
        Image(CT, [body_part("HEAD"), thickness("5.0")]),
        Image(MR, [body_part("HEAD"), thickness("5.0"), text(0x00180088, "6", "DS")]),
        *(
            Image(ENHANCED_CT, [body_part("HEAD"), measured(tag, thickness("5"))])
            for tag in (SHARED, PER_FRAME)
        ),
        Image(STORAGE + "1", [body_part("HEAD"), thickness("1.0")]),
        Image(CT, [body_part("HEAD"), thickness("1.0"), text(0x00280302, "NO")]),
        Image(CT, [body_part("CHEST"), thickness("1.0"), text(0x0008103E, "from head to toe", "LO")]),
        Image(CT, [text(0x0008103E, "thorax, forehead", "LO"), thickness("1.0")]),
        Image(CT, [region([text(0x00080100, "51185008", "SH")]), body_part("CHEST"), thickness("1.0")]),
    ],
)
def test_other_slices_show_no_face(image: Image) -> None:
    assert said(image) == set()
