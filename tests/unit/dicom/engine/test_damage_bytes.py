"""Damaged bytes: one of our errors, or a file that the engine accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import DicomorphError
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, JPEG, part10, rich_file
from tests.support.edits import edited, rewriter

PATH = {"Replace": {"DerivationCodeSequence[*].StudyID": "1"}}
ENGINES = [
    rewriter({}),
    rewriter({"DicomVersion": "2008", "KeepPrivateTags": True, **PATH}),
    rewriter({"RemovePrivateTags": True, "Replace": {"0008,1250[*].StudyID": "1"}}, anonymize=False),
]
SEEDS = [rich_file(syntax=syntax) for syntax in (EXPLICIT, IMPLICIT, BIG, JPEG)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["set", "insert", "delete", "copy"]))
        if kind == "set":
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF, draw(st.integers(0, 255))]))
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "delete" and len(data) > 200:
            del data[at : at + draw(st.integers(1, 12))]
        else:
            start = draw(st.integers(0, len(data) - 1))
            data[at:at] = data[start : start + 40]
    return bytes(data)


def survive(data: bytes) -> None:
    for engine in ENGINES:
        try:
            output = edited(data, engine)
        except DicomorphError:
            continue
        assert len(output) < 10 * len(data) + 10_000
        edited(output, engine)  # what came out is a file that the engine accepts
    try:
        describe(BufferSource(data), default_encoding="Latin1")
    except DicomorphError:
        return


@given(damaged())
def test_damaged_bytes_raise_nothing_but_our_errors(data: bytes) -> None:
    survive(data)


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_our_errors(data: bytes) -> None:
    survive(data)
    survive(part10(data))
    survive(part10(data, IMPLICIT))


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(damaged())
def test_much_damage_raises_nothing_but_our_errors(data: bytes) -> None:
    survive(data)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_damage_to_any_byte() -> None:
    for data in SEEDS:
        for at in range(0, len(data), 2):
            for byte in (0, 0xFF, data[at] ^ 1, data[at] ^ 0x20):
                survive(data[:at] + bytes([byte]) + data[at + 1 :])
