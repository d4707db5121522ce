"""What is seen of an image before anything of it is removed, in whatever encoding and edition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.deid.judgement import Judging
from dicomorph.dicom.engine.examination import EXAMINED, Examination
from dicomorph.dicom.standard.tags import SOP_CLASS_UID
from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.stream.windows import WINDOW
from dicomorph.model.errors import RefusedError
from dicomorph.model.reasons import Reason
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import WindowedSource
from tests.support.judged import (
    ENHANCED_CT,
    MEASURES,
    PER_FRAME,
    SHARED,
    measured,
    rewriter,
    said,
)
from tests.support.risky_images import (
    CT,
    HEAD_OF_SCT,
    SLIDE,
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
        assert said(replace(image, syntax=syntax)) == expected


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
    script = rewriter().rewrite(BufferSource(moved))
    assert script.flags == {Reason.BURNED_IN_ANNOTATION}


@pytest.mark.parametrize("removing", [False, True])
def test_values_at_the_edge_of_what_is_read_at_once_are_seen(removing: bool) -> None:  # noqa: FBT001
    found = rewriter(removing=removing)
    for shift in range(0, 48, 2):
        filling = text(0x00189073, "x" * (WINDOW - 262 - shift), "UT")
        file = Image(CT, [filling, burned_in("     YES"), label_in_image("NO")]).file()
        edge = file.index(b"\x28\0\1\3CS") - file.index(b"\x08\0\x16\0UI")
        assert 0 <= WINDOW - edge < 48
        assert found.rewrite(WindowedSource(file)).flags == {Reason.BURNED_IN_ANNOTATION}


def test_of_long_groups_only_the_beginning_is_read() -> None:
    content = Element(0x00209111, "SQ", [[text(0x00189073, "1" * 40, "LO")]])
    many = Element(PER_FRAME, "SQ", [[content, groups(MEASURES, thickness("1"))]] * 3000)
    image = Image(ENHANCED_CT, [body_part("HEAD"), many])
    assert said(image) == {Reason.RECOGNIZABLE_FACE}
    late = groups(SHARED, text(0x00189073, "x" * 100_000, "UT"), groups(MEASURES, thickness("9")))
    assert said(Image(ENHANCED_CT, [body_part("HEAD"), late])) == {Reason.RECOGNIZABLE_FACE}, "unknown"


def test_a_series_is_judged_as_each_of_its_images_is() -> None:
    long = text(0x00189073, "x" * 300, "UT")
    thin, thick = (groups(SHARED, long, groups(MEASURES, thickness(value))) for value in ("1", "9"))
    images = [
        *(Image(US), Image(CT), Image(US, [burned_in("NO")]), Image(CT, [burned_in("YES")])),
        *(Image(ENHANCED_CT, [body_part("HEAD"), shared]) for shared in (thin, thick)),
    ]
    expected = [said(image) for image in images]
    assert expected[-2:] == [{Reason.RECOGNIZABLE_FACE}, set()]
    found = rewriter()
    for number in range(30):
        others = [replace(image, extra=[*image.extra, text(0x0008103E, f"{number}")]) for image in images]
        for image, flags in zip(others, expected, strict=True):
            assert set(found.rewrite(BufferSource(image.file())).flags) == flags


_BYTES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"YES ", b"NO", b"NO\\YES", b"HEAD", b"1.0 ", b"LABEL", b"\xfe\xff\0\xe0\xff\xff\xff\xff"]
    ),
    st.lists(
        st.sampled_from([b"\xfe\xff\0\xe0", b"\x28\0\x10\x91SQ\0\0", b"\x20\0\0\0", b"\xff\xff\xff\xff"])
    ).map(b"".join),
)


@given(
    noted=st.dictionaries(st.sampled_from(sorted({*EXAMINED, SOP_CLASS_UID})), _BYTES),
    unknown=st.sets(st.sampled_from(sorted(EXAMINED))),
    encoding=st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]),
    has_pixels=st.booleans(),
)
def test_whatever_stands_there_an_image_is_flagged_or_refused(
    noted: dict[int, bytes],
    unknown: set[int],
    encoding: Encoding,
    has_pixels: bool,  # noqa: FBT001
) -> None:
    examination = Examination(noted, unknown, encoding, EXPLICIT, has_pixels)
    for refuses in (False, True):
        judging = Judging(refuses_burned_in=refuses)
        found = []
        for _ in range(2):
            try:
                found.append(judging(examination))
            except RefusedError as error:
                found.append(frozenset((error.reason,)))
        assert found[0] == found[1]
        assert found[0] <= set(Reason)


@pytest.mark.parametrize("edition", ["2024b", "2025e"])
def test_all_editions_that_are_read_as_the_standard_means_them_judge(edition: str) -> None:
    found = rewriter(edition=edition)
    assert found.rewrite(BufferSource(Image(US).file())).flags == {Reason.ULTRASOUND}
    with pytest.raises(RefusedError):
        found.rewrite(BufferSource(Image(SLIDE, [label_in_image("YES")]).file()))


@pytest.mark.parametrize("edition", ["2008", "2017c", "2021b", "2023b"])
def test_editions_of_orthanc_say_nothing_whatever_the_settings(edition: str) -> None:
    file = Image(US, [label_in_image("YES")]).file()
    script = rewriter(edition=edition, refuses_burned_in=True).rewrite(BufferSource(file))
    assert script.flags == frozenset()
