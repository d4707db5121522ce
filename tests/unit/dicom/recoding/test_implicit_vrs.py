"""The VR that elements get which come without one."""

from __future__ import annotations

import pytest

from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.recoded import body, recoded

SIGN, SMALLEST, ZERO = 0x00280103, 0x00280106, 0x00189810  # the last one stands before the sign
EARLY, LATE = 0x00081140, 0x0040A730  # sequences before and behind it


def explicit(elements: list[Element], *, of: str = IMPLICIT, to: str = EXPLICIT) -> bytes:
    """Return the data set that elements become that were written in implicit VR."""
    return body(recoded(part10(encode(elements, of), of), to))


@pytest.mark.parametrize(("sign", "vr"), [(0, "US"), (1, "SS")])
@pytest.mark.parametrize("to", [EXPLICIT, BIG])
def test_pixel_values_are_signed_where_the_nearest_data_set_says_so(sign: int, vr: str, to: str) -> None:
    def data_set(vr: str) -> list[Element]:
        own = [Element(SIGN, "US", 1 - sign), Element(SMALLEST, "SS" if vr == "US" else "US", 7)]
        inherited = [Element(SMALLEST, vr, 7)]
        items = [inherited, own, [Element(LATE, "SQ", [inherited])]]
        return [
            Element(EARLY, "SQ", items),
            Element(ZERO, vr, 3),
            Element(SIGN, "US", sign),
            Element(SMALLEST, vr, 7),
            Element(LATE, "SQ", items, undefined=True),
        ]

    assert explicit(data_set(vr), to=to) == encode(data_set(vr), to)


def test_pixel_values_of_short_sequences_that_look_alike_are_those_of_their_surroundings() -> None:
    def data_set(vrs: tuple[str, str]) -> list[Element]:
        return [
            Element(
                LATE,
                "SQ",
                [
                    [
                        Element(SIGN, "US", sign),
                        Element(LATE, "SQ", [[Element(LATE, "SQ", [[Element(0x00409211, vr, 1)]])]]),
                    ]
                    for sign, vr in enumerate(vrs)
                ],
            )
        ]

    assert explicit(data_set(("US", "SS"))) == encode(data_set(("US", "SS")))


def test_pixel_values_are_unsigned_where_nothing_says_so() -> None:
    for sign in ([], [Element(SIGN, "US", b"")]):
        elements = [*sign, Element(SMALLEST, "US", 40000)]
        assert explicit(elements) == encode(elements)


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00281201, "OW", b"abcd"),
        (0x00283006, "US", b"ab"),
        (0x00283006, "OW", b"abcd"),
        (0x50003000, "OW", b"abcd"),
        (0x54001010, "OW", b"abcd"),
        (0x60003000, "OW", b"abcd"),
        (0x7FE00008, "OF", b"abcd"),
        (0x7FE00009, "OD", b"abcdefgh"),
        (0x7FE00010, "OW", b"abcd"),
        (0x00099901, "UN", b"abcd"),
        (0x00100011, "UN", b"abcd"),
        (0x60000010, "US", b"ab"),
    ],
)
def test_words_are_words(tag: int, vr: str, value: bytes) -> None:
    elements = [Element(tag, vr, value)]
    assert explicit(elements) == encode(elements)


def test_private_elements_have_the_vr_of_their_creator_in_each_data_set() -> None:
    def block(creator: str, vr: str) -> list[Element]:
        return [Element(0x00190012, "LO", creator), Element(0x0019120A, vr, b"\1\0")]

    siemens, nobody = block("SIEMENS MR HEADER", "US"), block("Nobody", "UN")
    elements = [*siemens, Element(LATE, "SQ", [nobody, siemens, [Element(0x0019120A, "UN", b"\1\0")]])]
    assert explicit(elements) == encode(elements)


def test_private_elements_may_have_a_choice_of_vrs() -> None:
    for sign, vr in enumerate(("US", "SS")):
        elements = [
            Element(0x00270010, "LO", "FDMS 1.0"),
            Element(0x002710A3, vr, 7),
            Element(SIGN, "US", sign),
            Element(0x70190019, "LO", "TOSHIBA_MEC_OT3"),
            Element(0x70191980, "OW", (1, 2)),
        ]
        for to in (EXPLICIT, BIG):
            assert explicit(elements, to=to) == encode(elements, to)


def test_a_private_value_that_its_vr_cannot_have_is_unknown() -> None:
    creator = Element(0x00190010, "LO", "SIEMENS MR HEADER")
    elements = [creator, Element(0x0019100A, "UN", b"abc")]
    assert explicit(elements) == encode(elements)


@pytest.mark.parametrize("to", [EXPLICIT, BIG])
@pytest.mark.parametrize("tag", [0x00102000, 0x00281101, 0x00283002])
def test_a_value_too_long_for_its_vr_is_unknown_and_in_little_endian(tag: int, to: str) -> None:
    value = b"ab" * 40_000
    depths = [[Element(tag, "UN", value)]]
    depths.append([Element(LATE, "SQ", depths[0:1])])
    for elements in depths:
        implicit = part10(encode(elements, IMPLICIT), IMPLICIT)
        assert body(recoded(implicit, to)) == encode(elements, to)
        assert body(recoded(recoded(implicit, to), IMPLICIT)) == body(implicit)


def test_a_long_creator_is_nobody() -> None:
    elements = [Element(0x00190010, "LO", "x" * 60_000), Element(0x00191008, "UN", b"ab")]
    assert explicit(elements) == encode(elements)
