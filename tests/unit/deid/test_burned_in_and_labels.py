"""Images with text burned in, those that show a label, and those whose pixels lie elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.model.reasons import Reason
from tests.support.judged import said
from tests.support.risky_images import (
    CT,
    JPIP,
    SC,
    SLIDE,
    STORAGE,
    US,
    Image,
    body_part,
    burned_in,
    image_type,
    label_in_image,
    text,
)

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
    "screen among words": (Image(CT, [image_type("DERIVED\\SECONDARY\\GSPS SCREEN SAVE")]), "ScreenSave"),
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
    image = replace(BURNED_IN[kind][0], extra=[*BURNED_IN[kind][0].extra, burned_in("NO ")])
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
    assert said(image, refuses_burned_in=True) == Reason.BURNED_IN_ANNOTATION, "what it says itself is first"


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
        Image(CT, [image_type("ORIGINAL\\PRIMARY\\OVERVIEW")]),
        Image(CT, [text(0x00287FE0, "http://x.test/1", "UR")]),
        Image(CT, [text(0x00287FE0, " ", "UR")], has_pixels=False),
        Image(CT, has_pixels=False),
        Image(CT, [burned_in("NO"), image_type("ORIGINAL\\PRIMARY\\AXIAL"), body_part("CHEST")]),
    ],
)
def test_what_shows_no_label_is_not_refused(image: Image) -> None:
    assert said(image, refuses_burned_in=True) in (set(), {Reason.DECLARED_CLEAN})
