"""What comes as VR UN, or as another VR than the dictionary's, hides nothing (PS3.5 section 6.2.2)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from dicomorph.deid.editions.profiles import EDITIONS, profile
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode
from tests.support.edits import WindowedSource, anonymized, edited, modified, rewriter
from tests.support.small_files import (
    BIRTH_DATE,
    CREATOR,
    FRAME_OF_REFERENCE,
    IMAGES,
    INSTANCE,
    NAME,
    NAMED,
    PATIENT_ID,
    PRIVATE,
    PRIVATE_SEQUENCE,
    REFERENCED_INSTANCE,
    SEQUENCE,
    STUDY,
    every,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

MODALITY = 0x00080060
IDENTITY = [
    Element(REFERENCED_INSTANCE, "UI", "1.2.3"),
    NAMED,
    Element(PATIENT_ID, "LO", "PID"),
]


def as_unknown(tag: int, items: list[list[Element]], syntax: str, *, undefined: bool) -> Element:
    """Return a sequence sent as UN, with its items in a syntax of their own."""
    header = 8 if syntax == IMPLICIT else 12
    whole = encode([Element(tag, "SQ", items, undefined=undefined)], syntax)
    value = whole[header:-8] if undefined else whole[header:]
    return Element(tag, "UN", value, undefined=undefined)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_known_attribute_sent_as_un_is_treated_by_its_dictionary_vr(edition: str, depth: int) -> None:
    tags = sorted({*profile(edition).rules, NAME, PATIENT_ID, INSTANCE, STUDY})
    plain = [Element(tag, vr_of(tag)[:2], [] if vr_of(tag) == "SQ" else b"1.2.34") for tag in tags]
    unknown = [Element(element.tag, "UN", element.value) for element in plain]
    if depth:
        plain, unknown = [nested(*plain, depth=depth)], [nested(*unknown, depth=depth)]
    expected = anonymized(small_file(*plain), DicomVersion=edition)
    assert tree_of(anonymized(small_file(*unknown), DicomVersion=edition)) == tree_of(expected)


@pytest.mark.parametrize("edition", ["2008", "2023b"])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_sequence_sent_as_un_is_opened_in_the_encoding_it_has(
    edition: str,
    undefined: bool,  # noqa: FBT001
    inside: str,
    depth: int,
) -> None:
    items = [[], IDENTITY, [nested(*IDENTITY, undefined=undefined)]]
    sequence = as_unknown(IMAGES, items, inside, undefined=undefined)
    element = nested(sequence, depth=depth, undefined=undefined) if depth else sequence
    data = small_file(element, Element(MODALITY, "CS", "CT"), Element(0x00700080, "CS", "BEHIND"))
    output = anonymized(data, DicomVersion=edition)
    assert b"Nested" not in output
    assert b"PID" not in output
    assert output.count(value_of(output, INSTANCE)) == 4, (
        "in the file meta information, the file and twice below"
    )
    assert output.count(value_of(output, PATIENT_ID)) == 3
    assert value_of(output, 0x00700080) == b"BEHIND"


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
def test_private_tags_in_a_sequence_sent_as_un_are_removed(undefined: bool, inside: str) -> None:  # noqa: FBT001
    items = [
        [Element(MODALITY, "CS", "CT"), Element(CREATOR, "LO", "ACME"), Element(PRIVATE, "LO", "private")]
    ]
    data = small_file(as_unknown(IMAGES, items, inside, undefined=undefined))
    output = modified(data, RemovePrivateTags=True)
    assert b"private\0" not in output.replace(b"private ", b"private\0")
    assert b"CT" in output


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
def test_a_private_sequence_sent_as_un_is_opened_where_private_tags_stay(
    undefined: bool,  # noqa: FBT001
    inside: str,
) -> None:
    sequence = as_unknown(PRIVATE_SEQUENCE, [IDENTITY], inside, undefined=undefined)
    data = small_file(Element(CREATOR, "LO", "ACME"), sequence, nested(sequence))
    for body in ({"KeepPrivateTags": True}, {"Keep": ["0009,1002", "0008,1250[0].0009,1002"]}):
        output = anonymized(data, **body)
        assert b"Nested" not in output
        assert (b"PID" in output) is ("Keep" in body)
    assert data.endswith(modified(data)[-200:])


@pytest.mark.parametrize("first", ["DA", "DS", "DT", "FD", "FL", "LO", "LT", "PN", "TM"])
@pytest.mark.parametrize("undefined", [False, True])
def test_a_length_that_looks_like_a_vr_is_told_from_one(first: str, undefined: bool) -> None:  # noqa: FBT001
    size = struct.unpack("<H", first.encode())[0]
    assert not size % 2, "an odd one is no length"
    long = Element(0x00080104, "LO", b"x" * size)
    data = small_file(as_unknown(IMAGES, [[long, *IDENTITY]], IMPLICIT, undefined=undefined))
    assert b"Nested" not in anonymized(data)
    for value in (b"", b"20200101"):
        short = Element(0x00080001, first, value)
        for rest in ([], IDENTITY):
            data = small_file(as_unknown(IMAGES, [[short, *rest]], EXPLICIT, undefined=undefined))
            output = anonymized(data)
            assert b"Nested" not in output
            assert encode([short]) in output


@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
def test_a_window_that_ends_in_an_unknown_sequence_moves_on(
    inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [[], [Element(0x00080001, "LO", b"x" * 300), *IDENTITY]]
    data = small_file(as_unknown(IMAGES, items, inside, undefined=True), Element(0x00700080, "CS", "BEHIND"))
    expected = anonymized(data)
    monkeypatch.setattr(windows, "WINDOW", 32)
    for surplus in range(40):
        source = WindowedSource(data, surplus)
        assert rewriter({}).rewrite(source).join(source) == expected


@pytest.mark.parametrize("inside", [IMPLICIT, EXPLICIT])
def test_unknown_sequences_that_stay_are_stepped_over_in_their_encoding(inside: str) -> None:
    sequence = as_unknown(PRIVATE_SEQUENCE, [IDENTITY, []], inside, undefined=True)
    data = small_file(sequence, nested(sequence, nested(sequence, undefined=True), undefined=True))
    output = modified(data, Replace={"0008,1250[*].StudyID": "1"})
    assert output.count(encode([sequence])) == 3
    assert values_of(output, 0x00200010) == [b"1"]
    shown = dataset_json(BufferSource(data), form=TagsForm.SHORT, default_encoding="Latin1")
    assert shown["0009,1002"] == [{"0008,1155": "1.2.3", "0010,0010": "Nested^Name", "0010,0020": "PID"}, {}]


@pytest.mark.parametrize("vr", sorted((LONG_VRS | SHORT_VRS) - {b"SQ"}), ids=bytes.decode)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_known_sequence_under_another_vr_is_opened(vr: bytes, depth: int) -> None:
    for syntax, inside in ((EXPLICIT, EXPLICIT), (EXPLICIT, IMPLICIT), (BIG, BIG), (BIG, IMPLICIT)):
        for undefined in (False, True):  # the length of the items
            value = encode([Element(IMAGES, "SQ", [IDENTITY], undefined=undefined)], inside)
            value = value[8 if inside == IMPLICIT else 12 :][: -8 if undefined else None]
            hidden = Element(IMAGES, vr.decode(), value)
            element = nested(hidden, Element(MODALITY, "CS", "CT"), depth=depth) if depth else hidden
            data = small_file(element, syntax=syntax)
            for body in ({}, {"DicomVersion": "2008", "Replace": {"0008,1250[*].StudyID": "1"}}):
                output = anonymized(data, **body)
                assert b"Nested" not in output
                assert b"PID" not in output
                assert output.count(value_of(output, INSTANCE)) == 3
                assert (b"CT" in output) is bool(depth)
            assert b"Nested" not in modified(
                data, Remove=[f"{'0008,1250[*].' * depth}0008,1140[0].PatientName"]
            )


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_a_known_sequence_that_outgrows_a_short_vr_is_refused(syntax: str) -> None:
    (value,) = (encode([Element(IMAGES, "SQ", [IDENTITY], undefined=False)], syntax)[12:],)
    hidden = Element(IMAGES, "LO", value)
    for element, path in ((hidden, "0008,1140[*]"), (nested(hidden), "0008,1250[*].0008,1140[*]")):
        for size in (1000, 0x10000):
            replace = {f"{path}.0070,0006": "x" * size}
            data = small_file(element, syntax=syntax)
            if size == 1000:
                assert b"x" * size in modified(data, Replace=replace)
                continue
            with pytest.raises(BadFileFormatError, match="too long for the VR LO"):
                modified(data, Replace=replace)


@pytest.mark.parametrize("vr", sorted(SHORT_VRS), ids=bytes.decode)
def test_numbers_and_text_under_the_tag_of_a_sequence_are_none(vr: bytes) -> None:
    for value in (b"", b"12", b"\0\0\0\0\0\0\x18@"):
        plain = Element(IMAGES, vr.decode(), value)
        for file in (small_file(plain), small_file(nested(plain))):
            is_number = vr in (b"US", b"SS") and len(value) == 2
            assert (encode([plain]) in anonymized(file)) is (not value or is_number)
            assert encode([plain]) in modified(file, Replace={"StudyID": "1"})
    with pytest.raises(BadFileFormatError):
        anonymized(small_file(Element(IMAGES, vr.decode(), b"\xfe\xff\x00\xe0\xff\x00\x00\x00")))


@pytest.mark.parametrize("vr", ["UN", "OB", "US"])
def test_an_identifier_under_another_vr_is_mapped_as_everywhere(vr: str) -> None:
    odd = [Element(INSTANCE, vr, b"1.2.3\0"), Element(PATIENT_ID, vr, b"PID "), Element(STUDY, vr, b"1.2 ")]
    output = anonymized(small_file(*odd, nested(*odd)))
    assert value_of(output, INSTANCE) == value_of(anonymized(small_file()), INSTANCE)
    for element in odd:
        top, below = every(output, element.tag)
        assert top == below
        assert top.vr == vr_of(element.tag)


def test_a_nested_character_set_sent_as_un_counts() -> None:
    nested_id = Element(PATIENT_ID, "LO", "Ж7".encode() + b" ")
    item = nested(Element(0x00080005, "UN", b"ISO_IR 192"), nested_id)
    data = small_file(
        Element(0x00080005, "CS", "ISO_IR 144"), item, Element(PATIENT_ID, "LO", "Ж7".encode("iso8859_5"))
    )
    first, second = values_of(anonymized(data), PATIENT_ID)
    assert first == second


def broken_items() -> list[bytes]:
    """Return values that begin like a sequence in implicit VR, and go on otherwise."""
    whole = as_unknown(PRIVATE_SEQUENCE, [IDENTITY], IMPLICIT, undefined=False).value
    assert isinstance(whole, bytes)
    head = b"\xfe\xff\x00\xe0"
    return [
        *(whole[:-cut] + b"\0" * (cut % 2) for cut in (2, 9, 20)),
        *(head, head + b"\0\0", head + b"\xff\xff\xff\xff", head + b"\xff\xff\xff\xff" + b"Nested^Name!" * 9),
        *(head * 20, head + b"\x08\0\0\0Nested^N", whole + b"Nested^Name!", whole[:40]),
        head + struct.pack("<I", 12) + b"\xfe\xff\x0d\xe0\0\0\0\0Ne\0\0",
        b"".join(head + struct.pack("<IHHI", 12 + n, 9, 0x1001, n) for n in range(1600, 0, -16)),
    ]


def test_a_known_sequence_that_goes_on_otherwise_is_refused() -> None:
    for value in broken_items():
        for body in ({}, {"KeepPrivateTags": True}):
            with pytest.raises(BadFileFormatError):
                anonymized(small_file(Element(IMAGES, "UN", value)), **body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("tag", [PRIVATE_SEQUENCE, 0x00180FF0])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_unknown_value_that_only_looks_like_items_goes_when_anonymizing(
    syntax: str, tag: int, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = rewriter({"KeepPrivateTags": True, "Replace": {"0008,1250[*].StudyID": "1"}})
    for value in broken_items():
        for undefined in (False, True):
            odd = Element(tag, "UN", value)
            kept = Element(0x00280010, "US", 7)
            around = nested(odd, kept, depth=depth, undefined=undefined) if depth else odd
            without = nested(kept, depth=depth, undefined=undefined) if depth else kept
            data = small_file(around, *(() if depth else (kept,)), syntax=syntax)
            source = BufferSource(data)
            script = engine.rewrite(source)
            assert script.remarks == {Remark.UNREADABLE_SEQUENCES}
            assert script.join(source) == edited(small_file(without, syntax=syntax), engine)
            assert encode([odd], syntax) in modified(data, Replace={"0008,1250[*].StudyID": "1"})
            with monkeypatch.context() as small:
                small.setattr(windows, "WINDOW", 48)
                seen = WindowedSource(data)
                again = engine.rewrite(seen)
                assert (again.join(seen), again.remarks) == (script.join(source), script.remarks)
            shown = dataset_json(source, form=TagsForm.SHORT, default_encoding="Latin1")
            assert "0010,0010" in shown


def unreadable_in(source: BufferSource, engine: Rewriter) -> int:
    count = 0
    if engine.rewrite(source).remarks:
        count = engine._shared.rewriting.unreadable
    return count


def test_each_of_several_such_values_is_counted_in_each_file() -> None:
    odd = [Element(PRIVATE + n, "UN", value) for n, value in enumerate(broken_items())]
    item = nested(nested(odd[0], tag=IMAGES), *odd)
    content = Element(0x0040A730, "SQ", [[item], [item]], undefined=True)
    source = BufferSource(small_file(item, *odd, content))
    engine = rewriter({"KeepPrivateTags": True, "Keep": ["ContentSequence"]})
    counts = [unreadable_in(source, engine) for _ in range(3)]
    assert counts == [len(odd) * 4 + 3] * 3
    assert unreadable_in(source, rewriter({})) == 0


def test_a_sequence_whose_values_cannot_be_written_is_not_taken_for_other_bytes() -> None:
    sequence = as_unknown(PRIVATE_SEQUENCE, [IDENTITY], IMPLICIT, undefined=False)
    data = small_file(Element(0x00080005, "CS", "ISO_IR 100"), sequence)
    for edit in (anonymized, modified):
        body: dict[str, Any] = {"KeepPrivateTags": True} if edit is anonymized else {}
        with pytest.raises(BadFileFormatError):
            edit(data, Replace={"0009,1002[0].0010,4000": "Ж"}, **body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_private_bytes_that_are_no_items_stay_as_they_are(syntax: str) -> None:
    blobs = [b"", b"\xfe\xff", b"\xfe\xff\x00\xe1" * 3, b"Nested^Name!"]
    elements = [Element(PRIVATE + number, "UN", blob) for number, blob in enumerate(blobs)]
    data = small_file(*elements, nested(*elements), syntax=syntax)
    output = anonymized(data, KeepPrivateTags=True)
    assert output.count(encode(elements, syntax)) == 2


@pytest.mark.parametrize(
    "body", [{}, {"Keep": ["PatientBirthDate"]}, {"Replace": {"PatientBirthDate": "20000101"}}]
)
def test_a_value_sent_as_un_obeys_the_request(body: dict[str, Any]) -> None:
    date = Element(BIRTH_DATE, "UN", b"19700101")
    expected = {"{}": [b"", b""], "Keep": [b"19700101"] * 2, "Replace": [b"20000101", b""]}
    found = values_of(anonymized(small_file(date, nested(date)), **body), BIRTH_DATE)
    assert found == expected[next(iter(body), "{}")]
    frame = Element(FRAME_OF_REFERENCE, "UN", b"1.2.9 ")
    assert len(set(values_of(anonymized(small_file(frame, nested(frame))), FRAME_OF_REFERENCE))) == 1
    assert SEQUENCE in tree_of(anonymized(small_file(nested(frame))))
