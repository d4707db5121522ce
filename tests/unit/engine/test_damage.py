"""Broken and hostile files: refused with one of our errors, or edited whole; never half, never for long."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom import tables, uids, windows
from dicomorph.dicom.description import describe
from dicomorph.dicom.elements import EXPLICIT_LITTLE, iter_elements, iter_items
from dicomorph.dicom.rewriter import Rewriter
from dicomorph.dicom.source import BufferSource
from dicomorph.dicom.uids import IdentityMapper, Namespace
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from tests.compat.data_sets import comparable
from tests.compat.plans import REQUESTS
from tests.compat.test_differential import difference, pair
from tests.dicom_factory import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    Element,
    Fragments,
    encode,
    part10,
    rich_file,
)
from tests.support.edits import KEY, WindowedSource, anonymized, edited, modified, plan, rewriter

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG]
UNDEFINED = 0xFFFFFFFF
PATH = {"Replace": {"DerivationCodeSequence[*].StudyID": "1"}}


def nested(depth: int, *, undefined: bool, implicit: bool) -> bytes:
    """Return a sequence that many sequences deep, by hand: the factory would recurse."""
    head = struct.pack("<HH", 0x0040, 0xA730)
    vr = b"" if implicit else b"SQ\0\0"
    if undefined:
        opening = head + vr + struct.pack("<I", UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
        closing = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        return opening * depth + closing * depth
    pieces: list[bytes] = []
    size = 0
    for _ in range(depth):
        pieces += [struct.pack("<HHI", 0xFFFE, 0xE000, size), head + vr + struct.pack("<I", size + 8)]
        size += 16 + len(vr)
    return b"".join(reversed(pieces))


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    "body", [{}, {"Keep": ["ContentSequence"]}, {"Keep": ["ContentSequence", "PatientName"]}]
)
def test_bottomless_nesting_is_refused(implicit: bool, undefined: bool, body: dict[str, list[str]]) -> None:  # noqa: FBT001
    content = nested(10_000, undefined=undefined, implicit=implicit)
    syntax = IMPLICIT if implicit else EXPLICIT
    data = part10(encode([Element(0x00080018, "UI", "1.2.3")], syntax) + content, syntax)
    try:
        output = anonymized(data, DicomVersion="2008", **body)
    except BadFileFormatError:
        return
    # Nothing in it is of interest: it was copied, or removed, without being opened.
    assert not undefined
    assert content in output or b"\x40\x00\x30\xa7" not in output


@pytest.mark.parametrize("undefined", [False, True])
def test_bottomless_nesting_behind_un_is_refused(undefined: bool) -> None:  # noqa: FBT001
    inner = nested(10_000, undefined=undefined, implicit=True)
    content = inner[:4] + b"UN\0\0" + inner[4:]
    data = part10(encode([Element(0x00080018, "UI", "1.2.3")]) + content)
    with pytest.raises(BadFileFormatError):
        modified(data, RemovePrivateTags=True)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", ["2023b", "2008", "modify", "replace paths"])
def test_a_file_cut_off_anywhere_is_refused_or_ends_between_elements(syntax: str, name: str) -> None:
    data = rich_file(syntax=syntax)
    engine, oracle = pair(REQUESTS[name])
    whole = 0
    for stop in range(0, len(data), 3 if name == "2023b" else 17):
        try:
            output = edited(data[:stop], engine)
        except DicomorphError:
            continue
        whole += 1
        assert not difference(data[:stop], engine, oracle), stop
        assert len(output) > 132
    assert whole < 100


def length_fields(data: bytes, pos: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield where the length of each element and item stands, at every depth, and its format."""
    for element in iter_elements(data, pos, end, EXPLICIT_LITTLE):
        short = element.value - element.start == 8
        yield element.start + (6 if short else 8), "<H" if short else "<I"
        if element.undefined:
            yield element.stop - 4, "<I"
        if element.vr == b"SQ":
            for start, stop in iter_items(data, element, EXPLICIT_LITTLE):
                yield start - 4, "<I"
                yield from length_fields(data, start, stop)


Corruption = Callable[[int], int]
CORRUPTIONS: dict[str, Corruption] = {
    "plus": lambda length: length + 2,
    "minus": lambda length: max(length - 2, 0),
    "odd": lambda length: length ^ 1,
    "double": lambda length: length * 2,
    "all ones": lambda _: UNDEFINED,
    "zero": lambda _: 0,
}


def corrupted(data: bytes, corruption: Corruption) -> Iterator[tuple[int, bytes]]:
    for pos, code in length_fields(data, 132, len(data)):
        (length,) = struct.unpack_from(code, data, pos)
        field = struct.pack(code, corruption(length) & (0xFFFF if code == "<H" else UNDEFINED))
        if length != UNDEFINED or field != data[pos : pos + 4]:
            yield pos, data[:pos] + field + data[pos + len(field) :]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize("name", ["2023b", "keep private", "replace paths"])
def test_a_wrong_length_is_refused_or_harmless(corruption: str, name: str) -> None:
    engine, oracle = pair(REQUESTS[name])
    data = rich_file()
    refused = 0
    for pos, wrong in corrupted(data, CORRUPTIONS[corruption]):
        try:
            output = edited(wrong, engine)
        except DicomorphError:
            refused += 1
            continue
        found = difference(wrong, engine, oracle)
        if found.startswith("only the oracle refuses"):  # what is wrong lay in something removed
            assert comparable(output)
        else:
            assert not found, pos
    assert refused > 50


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


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_window_shows_enough(syntax: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 64)
    request, data = REQUESTS[name], rich_file(syntax=syntax)
    engine = rewriter(request.body, anonymize=request.anonymize)
    expected = edited(data, engine)
    for surplus in (0, 1, 7):
        source = WindowedSource(data, surplus)
        assert engine.rewrite(source).join(source) == expected
    assert describe(source, default_encoding="Latin1") == describe(
        BufferSource(data), default_encoding="Latin1"
    )


@pytest.mark.parametrize("encapsulated", [False, True])
def test_large_values_are_not_looked_at(encapsulated: bool) -> None:  # noqa: FBT001
    frames = Element(0x7FE00010, "OW", bytes(1 << 22))
    if encapsulated:
        frames = Element(0x7FE00010, "OB", Fragments((bytes(1 << 22),) * 2), undefined=True)
    data = part10(encode([Element(0x00080018, "UI", "1.2.3"), frames, Element(0x7FE10010, "LO", "TAIL")]))
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.largest <= 1 << 20
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 4096
    assert b"TAIL" not in script.join(source)


def test_memory_of_what_was_seen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "REMEMBERED", 50)
    monkeypatch.setattr(uids, "_REMEMBERED", 50)
    tags = [Element(tag, "UI", f"1.2.{tag}") for tag in range(0x00091001, 0x00091801)]
    items = [[Element(0x00081155, "UI", f"1.2.{n}")] for n in range(500)]
    data = part10(
        encode(
            [Element(0x00081140, "SQ", items), Element(0x00091000, "SQ", [tags, *[[tag] for tag in tags]])]
        )
    )
    mapper = IdentityMapper(KEY)
    engine = Rewriter(plan({"KeepPrivateTags": True}), mapper, default_encoding="Latin1")
    output = edited(data, engine)
    assert output == anonymized(data, KeepPrivateTags=True)
    assert all(len(mapper.uids(namespace)) <= 50 for namespace in Namespace)
    for table in engine._shared._tables.values():
        assert max(len(table.edits), len(table.sequences), len(table.below)) <= 51


def test_a_forgetful_mapper_maps_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    mapper = IdentityMapper(KEY)
    first = [mapper.uid(Namespace.STUDY, str(number)) for number in range(200)]
    monkeypatch.setattr(uids, "_REMEMBERED", 3)
    assert [mapper.uid(Namespace.STUDY, str(number)) for number in range(200)] == first


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DICM",
        bytes(132),
        bytes(128) + b"DICM",
        b"PK\3\4" + bytes(200),
        b"\xff\xd8\xff\xe0" + bytes(300),
        b"{}",
    ],
)
def test_what_is_not_dicom_is_refused(data: bytes) -> None:
    for edit in (anonymized, partial(modified, RemovePrivateTags=True)):
        try:
            edit(data)
        except BadFileFormatError:
            continue
        assert data == bytes(128) + b"DICM", "an empty data set is one"


def test_elements_out_of_order_are_refused() -> None:
    elements = [Element(0x00080018, "UI", "1.2.3"), Element(0x00080016, "UI", "1.2")]
    with pytest.raises(BadFileFormatError, match="order"):
        modified(part10(encode(elements)))
