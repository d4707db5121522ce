"""Which images are flagged and which refused, by what they say of themselves."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import pytest

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.judgement import Judging
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.windows import WINDOW
from dicomorph.model.errors import RefusedError
from dicomorph.model.reasons import Reason
from dicomorph.model.settings import Settings
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import WindowedSource
from tests.support.risky_images import (
    CT,
    HEAD_OF_SCT,
    JPIP,
    SC,
    SLIDE,
    STORAGE,
    US,
    Image,
    body_part,
    burned_in,
    groups,
    image_type,
    label_in_image,
    region,
    text,
    thickness,
)

SHARED, PER_FRAME, MEASURES, ANATOMY = 0x52009229, 0x52009230, 0x00289110, 0x00209071
ENHANCED_CT, MR, PT = STORAGE + "2.1", STORAGE + "4", STORAGE + "128"
MPEG4 = "1.2.840.10008.1.2.4.102"
REMOVING: dict[str, Any] = {
    "Remove": ["BurnedInAnnotation", "ImageType", "BodyPartExamined", "SliceThickness", "Modality"]
}


@cache
def _rewriter(*, refuses_burned_in: bool = False, removing: bool = False) -> Rewriter:
    settings = Settings()
    body: dict[str, Any] = REMOVING if removing else {}
    request = parse_modification(body, is_anonymization=True, level=None, settings=settings)
    plan = compile_plan(request, name="A", settings=settings)
    judged = dataclasses.replace(plan, judge=Judging(refuses_burned_in=refuses_burned_in))
    return Rewriter(judged, IdentityMapper(bytes(32)), default_encoding="Latin1")


def said(image: Image, *, refuses_burned_in: bool = False, removing: bool = False) -> set[str] | str:
    """Return the flags of an image, or the reason for which it is refused."""
    rewriter = _rewriter(refuses_burned_in=refuses_burned_in, removing=removing)
    try:
        return set(rewriter.rewrite(BufferSource(image.file())).flags)
    except RefusedError as error:
        return str(error.reason)


BURNED_IN = {
    "said so": (Image(CT, [burned_in("YES")]), "BurnedInAnnotation"),
    "said in small letters": (Image(CT, [burned_in("yes")]), "BurnedInAnnotation"),
    "said with padding": (Image(CT, [burned_in(" YES \0")]), "BurnedInAnnotation"),
    "said of one of two": (Image(CT, [burned_in("NO\\YES")]), "BurnedInAnnotation"),
    "said as UN": (Image(CT, [text(0x00280301, "YES ", "UN")]), "BurnedInAnnotation"),
    "said as LO": (Image(CT, [text(0x00280301, "YES", "LO")]), "BurnedInAnnotation"),
    "ultrasound": (Image(US), "Ultrasound"),
    "retired ultrasound": (Image(STORAGE + "6"), "Ultrasound"),
    "ultrasound volume": (Image(STORAGE + "6.2"), "Ultrasound"),
    "padded SOP class": (Image(US + "\0\0"), "Ultrasound"),
    "capture": (Image(SC), "SecondaryCapture"),
    "captures in colour": (Image(STORAGE + "7.4"), "SecondaryCapture"),
    "film": (Image("1.2.840.10008.5.1.1.30"), "SecondaryCapture"),
    "microscopy": (Image(STORAGE + "77.1.2"), "VisibleLight"),
    "slide": (Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\VOLUME\\NONE")]), "VisibleLight"),
    "endoscopy": (Image(STORAGE + "77.1.1"), "Endoscopic"),
    "photograph": (Image(STORAGE + "77.1.4"), "Photographic"),
    "fundus": (Image(STORAGE + "77.1.5.1"), "Photographic"),
    "skin": (Image(STORAGE + "77.1.7"), "Photographic"),
    "video of an endoscope": (Image(STORAGE + "77.1.1.1"), "Video"),
    "screen": (Image(CT, [image_type("DERIVED\\SECONDARY\\SCREEN SAVE")]), "ScreenSave"),
    "screen in small letters": (Image(CT, [image_type("derived\\secondary\\screen save ")]), "ScreenSave"),
    "screen in one word": (Image(CT, [image_type("DERIVED\\SECONDARY\\OTHER\\SCREEN_SAVE")]), "ScreenSave"),
}


@pytest.mark.parametrize("kind", BURNED_IN)
def test_what_may_have_something_burned_in_is_flagged_and_refused_if_asked_for(kind: str) -> None:
    image, reason = BURNED_IN[kind]
    found = said(image)
    assert reason in found
    assert Reason.DECLARED_CLEAN not in found
    assert said(image, refuses_burned_in=True) == reason


@pytest.mark.parametrize("kind", [kind for kind in BURNED_IN if not kind.startswith("said")])
def test_what_the_source_declares_clean_is_told_as_such_and_never_refused(kind: str) -> None:
    image = dataclasses.replace(BURNED_IN[kind][0], extra=[*BURNED_IN[kind][0].extra, burned_in("NO ")])
    found = said(image)
    assert Reason.DECLARED_CLEAN in found
    assert BURNED_IN[kind][1] not in found
    assert said(image, refuses_burned_in=True) == found


@pytest.mark.parametrize("word", ["", "N", "UNKNOWN", "NO\\", "MAYBE"])
def test_only_the_word_itself_declares_an_image_clean(word: str) -> None:
    declares = word == "NO\\"
    assert said(Image(US, [burned_in(word)])) == {Reason.DECLARED_CLEAN if declares else Reason.ULTRASOUND}
    assert said(Image(CT, [burned_in(word)])) == set()


def test_all_reasons_of_an_image_are_told() -> None:
    image = Image(US, [burned_in("YES"), image_type("DERIVED\\SECONDARY\\SCREEN SAVE")])
    assert said(image) == {Reason.BURNED_IN_ANNOTATION, Reason.ULTRASOUND, Reason.SCREEN_SAVE}


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL\\NONE")]), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("DERIVED\\PRIMARY\\LABEL\\RESAMPLED")]), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("original\\primary\\label ")]), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("DERIVED\\SECONDARY\\NONE\\LABEL")]), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL"), label_in_image("NO")]), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\LABEL"), burned_in("NO")]), Reason.SLIDE_LABEL),
        (Image(SC, [image_type("DERIVED\\SECONDARY\\LABEL")], modality="SM"), Reason.SLIDE_LABEL),
        (Image("1.2.3", [image_type("ORIGINAL\\PRIMARY\\LABEL")], modality="SM"), Reason.SLIDE_LABEL),
        (Image(SLIDE, [image_type("A\\B\\VOLUME"), label_in_image("YES")]), Reason.SPECIMEN_LABEL),
        (Image(SLIDE, [image_type("A\\B\\THUMBNAIL"), label_in_image("yes ")]), Reason.SPECIMEN_LABEL),
        (Image(SLIDE, [image_type("A\\B\\OVERVIEW"), label_in_image("YES")]), Reason.SPECIMEN_LABEL),
        (Image(SC, [label_in_image("YES"), burned_in("NO")]), Reason.SPECIMEN_LABEL),
        (Image(SLIDE, [image_type("ORIGINAL\\PRIMARY\\OVERVIEW\\NONE")]), Reason.SLIDE_OVERVIEW),
        (Image(SLIDE, [image_type("A\\B\\OVERVIEW"), label_in_image("")]), Reason.SLIDE_OVERVIEW),
        (Image(SLIDE, [image_type("A\\B\\OVERVIEW"), label_in_image("UNKNOWN")]), Reason.SLIDE_OVERVIEW),
        (Image(CT, [text(0x00287FE0, "http://x.test/1", "UR")], has_pixels=False), Reason.PIXELS_ELSEWHERE),
        (Image(CT, syntax=JPIP, has_pixels=False), Reason.PIXELS_ELSEWHERE),
        (Image(CT, syntax="1.2.840.10008.1.2.4.204", has_pixels=False), Reason.PIXELS_ELSEWHERE),
    ],
)
def test_labels_and_pixels_that_lie_elsewhere_are_always_refused(image: Image, reason: Reason) -> None:
    for refuses in (False, True):
        assert said(image, refuses_burned_in=refuses) == reason


@pytest.mark.parametrize(
    "image",
    [
        Image(SLIDE, [image_type("A\\B\\OVERVIEW"), label_in_image("NO"), burned_in("NO")]),
        Image(SLIDE, [image_type("A\\B\\VOLUME"), burned_in("NO")]),
        Image(CT, [image_type("ORIGINAL\\PRIMARY\\LABEL"), label_in_image("NO")]),
        Image(CT, [text(0x00287FE0, "http://x.test/1", "UR")]),
        Image(CT, [burned_in("NO"), image_type("ORIGINAL\\PRIMARY\\AXIAL"), body_part("CHEST")]),
    ],
)
def test_what_shows_no_label_is_not_refused(image: Image) -> None:
    assert said(image, refuses_burned_in=True) in (set(), {Reason.DECLARED_CLEAN})


def measured(tag: int, *elements: Element, undefined: bool = False) -> Element:
    return groups(tag, groups(MEASURES, *elements, undefined=undefined), undefined=undefined)


FACES = {
    "CT": Image(CT, [body_part("HEAD"), thickness("0.625")]),
    "MR": Image(MR, [body_part("BRAIN"), thickness("1")]),
    "PT": Image(PT, [body_part("HEADNECK"), thickness("3.27")]),
    "padding and small letters": Image(CT, [body_part("head \0"), thickness(" 1.0 ")]),
    "words": Image(CT, [body_part("Head and Neck"), thickness("1.0")]),
    "several parts": Image(CT, [body_part("CHEST\\SKULL"), thickness("1.0\\5.0")]),
    "whole body": Image(PT, [body_part("WHOLEBODY"), thickness("2")]),
    "by code": Image(CT, [region(HEAD_OF_SCT), thickness("1.0")]),
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
        Image(ENHANCED_CT, [body_part("HEAD"), measured(SHARED, thickness("5.0"))]),
        Image(STORAGE + "1", [body_part("HEAD"), thickness("1.0")]),
        Image(CT, [body_part("HEAD"), thickness("1.0"), text(0x00280302, "NO")]),
        Image(CT, [body_part("CHEST"), thickness("1.0"), text(0x0008103E, "from head to toe", "LO")]),
        Image(CT, [text(0x0008103E, "thorax, forehead", "LO"), thickness("1.0")]),
        Image(CT, [region([text(0x00080100, "51185008", "SH")]), body_part("CHEST"), thickness("1.0")]),
    ],
)
def test_other_slices_show_no_face(image: Image) -> None:
    assert said(image) == set()


@pytest.mark.parametrize("sop_class", ["1.2.276.0.7230010.3.1.0.1", "1.3.12.2.1107.5.9.1", ""])
def test_private_and_unknown_classes_are_flagged(sop_class: str) -> None:
    assert said(Image(sop_class)) == {Reason.UNKNOWN_SOP_CLASS}


def test_of_an_unknown_class_the_modality_counts() -> None:
    image = Image("1.3.46.670589.2.4.1.1", modality="US")
    assert said(image) == {Reason.UNKNOWN_SOP_CLASS, Reason.ULTRASOUND}
    assert said(image, refuses_burned_in=True) == Reason.ULTRASOUND
    assert said(Image(CT, modality="US")) == set(), "a class that is known is believed"


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_encodings_make_no_difference(syntax: str) -> None:
    undefined = measured(SHARED, thickness("1.0"), undefined=True)
    for image, expected in (
        (Image(US), {Reason.ULTRASOUND}),
        (Image(SLIDE, [image_type("A\\B\\LABEL")]), Reason.SLIDE_LABEL),
        (Image(CT, [label_in_image("YES")]), Reason.SPECIMEN_LABEL),
        (Image(CT, [region(HEAD_OF_SCT), thickness("1")]), {Reason.RECOGNIZABLE_FACE}),
        (Image(ENHANCED_CT, [body_part("HEAD"), undefined]), {Reason.RECOGNIZABLE_FACE}),
    ):
        assert said(dataclasses.replace(image, syntax=syntax)) == expected


def test_what_is_removed_has_been_seen_before() -> None:
    assert said(Image(CT, [burned_in("YES")]), removing=True) == {Reason.BURNED_IN_ANNOTATION}
    head = Image(CT, [body_part("HEAD"), thickness("1")])
    assert said(head, removing=True) == {Reason.RECOGNIZABLE_FACE}
    assert said(Image(SLIDE, [image_type("A\\B\\LABEL")]), removing=True) == Reason.SLIDE_LABEL


def test_values_out_of_order_are_seen() -> None:
    file = Image(CT, [burned_in("YES")]).file()
    first = file.index(b"\x10\0\x10\0PN")
    flag = file.index(b"\x28\0\1\3CS")
    moved = file[:first] + file[flag : flag + 12] + file[first:flag] + file[flag + 12 :]
    script = _rewriter().rewrite(BufferSource(moved))
    assert script.flags == {Reason.BURNED_IN_ANNOTATION}


@pytest.mark.parametrize("removing", [False, True])
def test_values_at_the_edge_of_what_is_read_at_once_are_seen(removing: bool) -> None:  # noqa: FBT001
    rewriter = _rewriter(removing=removing)
    for shift in range(0, 48, 2):
        filling = text(0x00189073, "x" * (WINDOW - 262 - shift), "UT")
        file = Image(CT, [filling, burned_in("     YES"), label_in_image("NO")]).file()
        edge = file.index(b"\x28\0\1\3CS") - file.index(b"\x08\0\x16\0UI")
        assert 0 <= WINDOW - edge < 48
        assert rewriter.rewrite(WindowedSource(file)).flags == {Reason.BURNED_IN_ANNOTATION}


def test_of_long_groups_only_the_beginning_is_read() -> None:
    content = Element(0x00209111, "SQ", [[text(0x00189073, "1" * 40, "LO")]])
    many = Element(PER_FRAME, "SQ", [[content, groups(MEASURES, thickness("1"))]] * 3000)
    image = Image(ENHANCED_CT, [body_part("HEAD"), many])
    assert said(image) == {Reason.RECOGNIZABLE_FACE}
    late = groups(SHARED, text(0x00189073, "x" * 100_000, "UT"), groups(MEASURES, thickness("9")))
    assert said(Image(ENHANCED_CT, [body_part("HEAD"), late])) == {Reason.RECOGNIZABLE_FACE}, "unknown"


def test_a_series_is_judged_as_each_of_its_images_is() -> None:
    rewriter = _rewriter()
    images = [Image(US), Image(CT), Image(US, [burned_in("NO")]), Image(CT, [burned_in("YES")])]
    expected = [said(image) for image in images]
    for image, flags in zip(images * 60, expected * 60, strict=True):
        assert set(rewriter.rewrite(BufferSource(image.file())).flags) == flags


def test_without_a_judge_nothing_is_said() -> None:
    settings = Settings()
    request = parse_modification({}, is_anonymization=True, level=None, settings=settings)
    plan = compile_plan(request, name="A", settings=settings)
    assert plan.judge is None
    rewriter = Rewriter(plan, IdentityMapper(bytes(32)), default_encoding="Latin1")
    assert rewriter.rewrite(BufferSource(Image(US, [label_in_image("YES")]).file())).flags == frozenset()
