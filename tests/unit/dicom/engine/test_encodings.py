"""Each way of writing a data set that has tripped an engine before (docs/architecture.md)."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest

from dicomorph.dicom.stream.part10 import IMPLEMENTATION_CLASS_UID
from dicomorph.dicom.stream.source import MemoryScratch
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import (
    BIG,
    CT_IMAGE_STORAGE,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    Element,
    Fragments,
    encode,
    part10,
    rich_file,
)
from tests.support.edits import anonymized, modified

NAME = Element(0x00100010, "PN", "Original^Name")
TRAILING_PADDING = 0xFFFCFFFC
REFERENCED_IMAGES, ICON = 0x00081140, 0x00880200


def elements_of(data: bytes) -> dict[int, bytes]:
    return {tag: node.value for tag, node in read_file(data).tree.items()}


def small(*elements: Element, syntax: str = EXPLICIT) -> bytes:
    common = [
        Element(0x00080016, "UI", CT_IMAGE_STORAGE),
        Element(0x00080018, "UI", "1.2.3"),
        NAME,
        Element(0x00100020, "LO", "PID"),
        Element(0x0020000D, "UI", "1.2"),
        Element(0x0020000E, "UI", "1.2.1"),
    ]
    return part10(encode(sorted([*common, *elements], key=lambda element: element.tag), syntax), syntax)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_group_lengths_go_because_they_would_be_wrong(syntax: str) -> None:
    nested = [Element(0x00100000, "UL", 4), Element(0x00100020, "LO", "PID")]
    data = small(
        Element(0x00080000, "UL", 1000),
        Element(0x00100000, "UL", 20),
        Element(0x0040A730, "SQ", [nested]),
        syntax=syntax,
    )
    tree = read_file(modified(data, RemovePrivateTags=True)).tree
    assert not [tag for tag in tree if not tag & 0xFFFF]
    assert [sorted(item) for item in tree[0x0040A730].items or []] == [[0x00100020]]


@pytest.mark.parametrize("undefined", [False, True])
def test_a_known_sequence_sent_as_un_is_opened(undefined: bool) -> None:  # noqa: FBT001
    items = [[NAME, Element(0x00081155, "UI", "1.2.3")]]
    data = small(Element(REFERENCED_IMAGES, "SQ", items, undefined=undefined, unknown=True))
    output = anonymized(data)
    assert b"Original" not in output
    (item,) = read_file(output).tree[REFERENCED_IMAGES].items or []
    assert item[0x00100010].value == b""
    new_uid = elements_of(output)[0x00080018]
    assert item[0x00081155].value == new_uid, "the reference follows its instance"


def test_a_private_sequence_of_undefined_length_sent_as_un_is_kept_whole() -> None:
    sequence = Element(0x00091001, "SQ", [[Element(0x00080060, "CS", "CT")]], undefined=True, unknown=True)
    data = small(Element(0x00090010, "LO", "ACME"), sequence)
    assert encode([sequence]) in anonymized(data, KeepPrivateTags=True)
    assert 0x00091001 not in elements_of(anonymized(data))


@pytest.mark.parametrize("keep", [{"KeepPrivateTags": True}, {"Keep": ["ContentSequence", "PatientName"]}])
def test_a_private_un_sequence_inside_a_sequence_is_stepped_over(keep: dict[str, Any]) -> None:
    private = Element(0x00091001, "SQ", [[Element(0x00080060, "CS", "CT")]], undefined=True, unknown=True)
    item = [Element(0x00090010, "LO", "ACME"), private, Element(0x00100020, "LO", "PID")]
    data = small(Element(0x00081250, "SQ", [item]), Element(0x0040A730, "SQ", [item]))
    output = anonymized(data, Keep=["PatientName", *keep.pop("Keep", [])], **keep)
    assert encode([private]) in output
    replace: Any = {"0008,1250[0].PatientID": "NEW"}
    output = modified(data, Replace=replace, Remove=["ContentSequence[0].PatientID"])
    assert output.count(encode([private])) == 2


@pytest.mark.parametrize(("tag", "kept"), [(0x00080090, True), (0x00100030, True), (0x00081030, False)])
def test_a_known_value_sent_as_un_is_treated_by_its_dictionary_vr(tag: int, kept: bool) -> None:  # noqa: FBT001
    at_top = Element(tag, "UN", b"SECRET")
    data = small(at_top, Element(0x0040A730, "SQ", [[at_top]]))
    output = anonymized(data, Keep=["ContentSequence"])
    assert output.count(b"SECRET") == 1, "what is kept, subtree and all, stays"
    output = anonymized(data, DicomVersion="2021b")
    assert b"SECRET" not in output
    assert (tag in elements_of(output)) is kept


@pytest.mark.parametrize("length", [0, 2])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_last_element_may_be_shorter_than_a_long_header(syntax: str, length: int) -> None:
    data = small(Element(0x7FE10010, "LO", "AB"[:length]), syntax=syntax)
    assert elements_of(modified(data))[0x7FE10010] == b"AB"[:length]
    assert 0x7FE10010 not in elements_of(anonymized(data))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_syntax_keeps_its_syntax_and_its_pixels(syntax: str) -> None:
    original = rich_file(syntax=syntax)
    output = anonymized(original)
    before, after = read_file(original), read_file(output)
    assert after.syntax == syntax
    assert after.tree[0x7FE00010].value == before.tree[0x7FE00010].value
    assert "Müller".encode("latin-1") not in output
    assert after.tree[0x00100010].value.rstrip() == b"Anonymized1"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_elements_behind_the_pixel_data_are_acted_on(syntax: str) -> None:
    tree = read_file(rich_file(syntax=syntax)).tree
    assert {0x7FE10010, 0x7FE11001, 0xFFFAFFFA, TRAILING_PADDING} <= tree.keys()
    assert max(read_file(anonymized(rich_file(syntax=syntax))).tree) == 0x7FE00010
    kept = read_file(anonymized(rich_file(syntax=syntax), KeepPrivateTags=True)).tree
    assert max(kept) == 0x7FE11001, "signatures and padding go in every case"
    assert max(read_file(modified(rich_file(syntax=syntax))).tree) == TRAILING_PADDING


@pytest.mark.parametrize("undefined", [False, True])
def test_encapsulated_icons_inside_sequences_are_stepped_over(undefined: bool) -> None:  # noqa: FBT001
    fragments = Fragments(
        (b"\xff\xd8\xfe\xff\x00\xe0\xff\xff\xff\xff\xff\xd9", b"\xfe\xff\xdd\xe0\x00\x00\x00\x00")
    )
    icon = [NAME, Element(0x7FE00010, "OB", fragments, undefined=True)]
    data = small(Element(ICON, "SQ", [icon, [NAME]], undefined=undefined))
    output = anonymized(data, DicomVersion="2008")
    assert b"Original" not in output
    first, second = read_file(output).tree[ICON].items or []
    assert first[0x7FE00010].value == read_file(data).tree[ICON].items[0][0x7FE00010].value  # type: ignore[index]
    assert second[0x00100010].value == b""


def test_nothing_of_the_container_survives() -> None:
    output = anonymized(rich_file())
    file = read_file(output)
    assert file.preamble == bytes(128)
    assert sorted(file.meta) == [
        0x00020000,
        0x00020001,
        0x00020002,
        0x00020003,
        0x00020010,
        0x00020012,
        0x00020013,
    ]
    assert file.meta[0x00020012].rstrip(b"\0").decode() == IMPLEMENTATION_CLASS_UID
    assert file.meta[0x00020003].rstrip(b"\0") == file.tree[0x00080018].value.rstrip(b"\0")
    (length,) = struct.unpack_from("<I", output, 140)
    data_set = output[144 + length :]
    assert data_set.startswith(b"\x08\x00\x05\x00CS")


def test_the_file_meta_information_follows_a_replaced_instance() -> None:
    output = modified(rich_file(), Replace={"SOPInstanceUID": "1.2.3.4", "SOPClassUID": "1.2.3"}, Force=True)
    meta = read_file(output).meta
    assert (meta[0x00020002], meta[0x00020003]) == (b"1.2.3", b"1.2.3.4")


def test_groups_that_no_data_set_holds_are_dropped() -> None:
    body = encode([Element(0x00041220, "SQ", [[NAME]]), Element(0x00080018, "UI", "1.2.3"), NAME])
    assert min(read_file(modified(part10(body))).tree) == 0x00080018


def test_a_file_without_file_meta_information_is_accepted() -> None:
    body = encode(
        [Element(0x00080005, "CS", "ISO_IR 100"), Element(0x00080018, "UI", "1.2.3"), NAME], IMPLICIT
    )
    output = anonymized(body)
    assert read_file(output).syntax == IMPLICIT
    assert b"Original" not in output


def test_a_file_without_sop_class_gets_a_generic_one() -> None:
    body = encode([Element(0x00080018, "UI", "1.2.3"), NAME])
    assert read_file(modified(part10(body))).meta[0x00020002].startswith(b"1.2.276.0.7230010")


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryScratch, "largest_inflated", 1 << 20)
    bomb = part10(
        encode([Element(0x00080018, "UI", "1.2.3"), Element(0x7FE00010, "OB", bytes(1 << 22))]), DEFLATED
    )
    assert len(bomb) < 1 << 14
    with pytest.raises(BadFileFormatError, match="larger"):
        anonymized(bomb)


@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0\0"])
def test_deflated_data_may_be_padded_and_must_be_whole(tail: bytes) -> None:
    whole = rich_file(syntax=DEFLATED)
    assert modified(whole) == modified(whole + tail)
    with pytest.raises(BadFileFormatError):
        modified(whole[:-20])


def test_deflated_output_inflates_to_what_the_plain_output_is() -> None:
    plain, deflated = anonymized(rich_file()), anonymized(rich_file(syntax=DEFLATED))
    start = deflated.index(b"\x02\x00\x13\x00SH")
    start += 8 + deflated[start + 6]
    assert zlib.decompress(deflated[start:], -15) in plain


def test_a_transfer_syntax_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadFileFormatError, match="transfer syntax"):
        modified(rich_file().replace(EXPLICIT.encode(), b"\xff" * len(EXPLICIT)))


BEFORE, DROPPED, BEHIND = 0x00282000, 0x00291001, 0x00420011
SIZES = [0, 2, 0xFFF0, 0xFFF6, 0xFFF8, 0xFFFA, 0x10000, 0x20002]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])  # the last in a sequence that is remembered as a whole
def test_runs_of_every_length_stay_around_what_goes(
    syntax: str,
    undefined: bool,  # noqa: FBT001
    unknown: bool,  # noqa: FBT001
    depth: int,
) -> None:
    for first, last in [(size, 2) for size in SIZES] + [(2, size) for size in SIZES]:
        before, behind = b"\1" * first, b"\2" * last
        inside = [
            *(Element(BEFORE, "OB", before), Element(DROPPED, "LO", "Secret")),
            *(Element(DROPPED + 1, "LO", "Secret"), Element(BEHIND, "OB", behind)),
        ]
        sequence = Element(REFERENCED_IMAGES, "SQ", [inside, inside], undefined=undefined, unknown=unknown)
        for _ in range(depth - 1):
            sequence = Element(0x00081250, "SQ", [[sequence]])
        tree = read_file(modified(small(sequence, syntax=syntax), RemovePrivateTags=True)).tree
        for _ in range(depth - 1):
            tree = (tree[0x00081250].items or [])[0]
        items = tree[REFERENCED_IMAGES].items or []
        assert [{tag: node.value for tag, node in item.items()} for item in items] == 2 * [
            {BEFORE: before, BEHIND: behind}
        ]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("name", ["", "AB", "ABCD", "ABCDEF"])
@pytest.mark.parametrize("body", [{}, {"DicomVersion": "2008"}])
def test_the_shortest_of_private_sequences_are_looked_into(
    body: dict[str, Any],
    name: str,
    undefined: bool,  # noqa: FBT001
    syntax: str,
) -> None:
    secret = Element(0x00091002, "SQ", [[Element(0x00100010, "PN", name)]], undefined=undefined, unknown=True)
    inside = [Element(0x00090010, "LO", "ACME"), secret]
    output = anonymized(
        small(*inside, Element(0x00081250, "SQ", [inside]), syntax=syntax), KeepPrivateTags=True, **body
    )
    tree = read_file(output).tree
    for place in (tree, (tree[0x00081250].items or [])[0]):
        (item,) = place[0x00091002].items or []
        assert [node.value for node in item.values()] in ([], [b""])


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("keep", [[], ["0008,1250"]])
@pytest.mark.parametrize(("size", "following"), [(1, 0x00FF00E0), (2, 0xE0000010), (3, 0x00E00010)])
def test_an_item_does_not_begin_in_one_element_and_go_on_in_the_next(
    size: int, following: int, keep: list[str], syntax: str
) -> None:
    value = b"\xfe\xff\x00\xe0"[:size]  # and the next tag begins with the rest
    inside = [Element(0x00090010, "LO", "ACME"), Element(0x00091002, "UN", value), Element(following, "UN")]
    data = small(Element(0x00081250, "SQ", [inside]), syntax=syntax)
    (item,) = read_file(anonymized(data, KeepPrivateTags=True, Keep=keep)).tree[0x00081250].items or []
    assert item[0x00091002].value == value
