"""Data sets in another encoding than their transfer syntax says: recognised by the first elements."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import DicomorphError
from tests.compat.strategies import CHARSET, Case, cases
from tests.dicom_factory import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    UNDEFINED,
    Element,
    Fragments,
    encode,
    part10,
    rich,
)
from tests.support.edits import WindowedSource, anonymized, edited, modified, rewriter
from tests.support.shown_elements import shown

GE_PRIVATE, PAPYRUS, UNKNOWN = "1.2.840.113619.5.2", "1.2.840.10008.1.20", "1.3.6.1.4.1.99999.1"
OTHERS = [
    GE_PRIVATE,
    PAPYRUS,
    UNKNOWN,
    EXPLICIT,
    BIG,
    DEFLATED,
    JPEG,
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
]


def data_set_of(output: bytes, syntax: str) -> bytes:
    data = open_dataset(BufferSource(output))
    assert data.transfer_syntax == syntax
    return data.source.read(data.start, data.source.size)


@pytest.mark.parametrize("syntax", OTHERS)
def test_implicit_vr_under_any_transfer_syntax_is_edited_as_what_it_is(syntax: str) -> None:
    body = encode(rich(), IMPLICIT)
    file, regular = part10(body, syntax), part10(body, IMPLICIT)
    for engine in (
        rewriter({}),
        rewriter({"Replace": {"DerivationCodeSequence[*].StudyID": "1"}}, anonymize=False),
    ):
        expected = data_set_of(edited(regular, engine), IMPLICIT)
        assert data_set_of(edited(file, engine), syntax) == expected
    assert shown(file, whole=True) == shown(regular, whole=True)
    of_file, of_regular = (
        describe(BufferSource(data), default_encoding="Latin1") for data in (file, regular)
    )
    assert of_file.identifiers == of_regular.identifiers


@given(case=cases(), syntax=st.sampled_from(OTHERS))
def test_any_data_set_in_implicit_vr_is_recognised(case: Case, syntax: str) -> None:
    front = (
        [] if any(element.tag == CHARSET for element in case.body) else [Element(CHARSET, "CS", "ISO_IR 100")]
    )
    body = encode([*front, *case.body], IMPLICIT, case.codec)
    engine = rewriter(case.request.body, anonymize=case.request.anonymize)
    expected = data_set_of(edited(part10(body, IMPLICIT), engine), IMPLICIT)
    assert data_set_of(edited(part10(body, syntax), engine), syntax) == expected


@pytest.mark.parametrize("first", [0x00080000, 0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00100010])
@pytest.mark.parametrize("length", [0, 2, 8, 16, 64, 0x4142, 0x10000, 0x200000])
def test_whatever_the_first_element_is(first: int, length: int) -> None:
    body = encode([Element(first, "UN", b"1" * length), Element(0x00100020, "LO", "P1")], IMPLICIT)
    for source in (BufferSource(part10(body, UNKNOWN)), WindowedSource(part10(body, UNKNOWN))):
        assert open_dataset(source).encoding == IMPLICIT_LITTLE


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG, DEFLATED, JPEG])
def test_explicit_vr_stays_what_it_is(syntax: str) -> None:
    expected = EXPLICIT_BIG if syntax == BIG else EXPLICIT_LITTLE
    for body in (
        [],
        rich(),
        [Element(0x00080005, "CS", "")],
        [Element(0x00081140, "SQ", [], undefined=True)],
    ):
        assert open_dataset(BufferSource(part10(encode(body, syntax), syntax))).encoding == expected


@pytest.mark.parametrize("vr", [b"  ", bytes(2), b"??", b"ui"])
@pytest.mark.parametrize("count", [1, 3])
def test_elements_without_a_vr_in_front_are_not_taken_for_implicit_vr(vr: bytes, count: int) -> None:
    values = [b"1.2.840.10008.5.1.4.1.1.7\0", b"", b"1.2.3.4.", b"x"][:count]
    front = b"".join(
        struct.pack("<HH2sH", 8, 0x16 + n, vr, len(value)) + value for n, value in enumerate(values)
    )
    body = front + encode([Element(0x00100010, "PN", "Doe"), Element(0x7FE00010, "OW", bytes(1 << 20))])
    for syntax in (EXPLICIT, JPEG) if vr == bytes(2) else (EXPLICIT, JPEG, UNKNOWN):
        assert open_dataset(BufferSource(part10(body, syntax))).encoding == EXPLICIT_LITTLE


def test_explicit_vr_under_the_uid_of_the_implicit_one_is_recognised_too() -> None:
    body = encode(rich())
    expected = data_set_of(anonymized(part10(body, EXPLICIT)), EXPLICIT)
    assert data_set_of(anonymized(part10(body, IMPLICIT)), IMPLICIT) == expected
    big = encode(rich(), BIG)
    expected = data_set_of(anonymized(part10(big, BIG)), BIG)
    assert data_set_of(anonymized(part10(big, UNKNOWN)), UNKNOWN) == expected


def test_frames_in_implicit_vr_lose_their_comments() -> None:
    frame = b"\xff\xd8\xff\xfe\0\x0aDoe^Jane\xff\xda\0\2ab\xff\xd9\0"
    fragments = encode([Element(0x7FE00010, "OB", Fragments((frame,)), undefined=True)], JPEG)
    implicit = encode([Element(0x00100010, "PN", "Doe")], IMPLICIT) + (
        struct.pack("<HHI", 0x7FE0, 0x10, UNDEFINED) + fragments[12:]
    )
    output = anonymized(part10(implicit, JPEG))
    assert b"Doe^Jane" not in output
    assert b"\xff\xda\0\2ab\xff\xd9" in output
    kept = modified(part10(implicit, JPEG))
    assert kept.endswith(implicit)


@given(st.binary(min_size=8, max_size=64), st.sampled_from([*OTHERS, IMPLICIT]))
def test_any_first_bytes_are_read_or_refused(raw: bytes, syntax: str) -> None:
    try:
        anonymized(part10(raw, syntax))
    except DicomorphError:
        return
