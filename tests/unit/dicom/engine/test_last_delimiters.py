"""A delimiter exactly at the end of what has a defined length is harmless; elsewhere it is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.description import describe
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Level
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, UNDEFINED, Element, encode, part10
from tests.support.edits import WindowedSource, anonymized, modified, rewriter
from tests.support.hidden_names import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, element, tag_and_length
from tests.support.small_files import NAMED, tree_of

SEQUENCE, PRIVATE = 0x00081250, 0x00091010
STUDY_ID = 0x00200010
KINDS = ("sequence", "item", "both")
REQUESTS: list[dict[str, Any]] = [
    {},
    {"KeepPrivateTags": True, "DicomVersion": "2008"},
    {"KeepPrivateTags": True, "Replace": {"0008,1250[*].0020,0010": "1"}},
    {"KeepPrivateTags": True, "Replace": {"0008,1250[*].0008,1250[0].0020,0010": "1"}},
    {"Keep": ["0008,1250"]},
]


def sequence(
    content: bytes, syntax: str, kind: str, *, vr: str = "SQ", tag: int = SEQUENCE, outer: str = ""
) -> bytes:
    """Return a sequence of defined length with two items, and the delimiters that it may do without."""
    if kind in {"item", "both"}:
        content += tag_and_length(ITEM_DELIMITATION, 0, syntax)
    items = 2 * (tag_and_length(ITEM, len(content), syntax) + content)
    if kind in {"sequence", "both"}:
        items += tag_and_length(SEQUENCE_DELIMITATION, 0, syntax)
    return element(tag, vr, items, outer or syntax)


def nested(kind: str, syntax: str, depth: int, *, vr: str = "SQ", tag: int = SEQUENCE) -> bytes:
    """Return sequences in one another; those of VR UN are in implicit VR (PS3.5 6.2.2)."""
    inside = IMPLICIT if vr == "UN" else syntax
    content = encode([NAMED, Element(0x00180015, "CS", "HEAD")], inside)
    found = sequence(content, inside, kind, vr=vr, tag=tag, outer=syntax if depth == 0 else inside)
    for level in range(depth):
        found = sequence(
            found, inside, kind, vr=vr, tag=SEQUENCE, outer=syntax if level == depth - 1 else inside
        )
    return found


def file_with(raw: bytes, syntax: str) -> bytes:
    first = encode([Element(tag, "UI", "1.2.3") for tag in (0x00080016, 0x00080018)], syntax)
    uids = [Element(0x00100010, "PN", "A"), *(Element(tag, "UI", "1.2") for tag in (0x0020000D, 0x0020000E))]
    return part10(first + raw + encode(uids, syntax), syntax)


def shown(data: bytes) -> dict[str, Any]:
    return dataset_json(BufferSource(data), form=TagsForm.SHORT, default_encoding="Latin1")


def windowed(data: bytes, **body: Any) -> bytes:
    source, before, windows.WINDOW = WindowedSource(data), windows.WINDOW, 48
    try:
        return rewriter(body).rewrite(source).join(source)
    finally:
        windows.WINDOW = before


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize(
    ("vr", "tag"), [("SQ", SEQUENCE), ("UN", SEQUENCE), ("SQ", PRIVATE), ("UN", PRIVATE)]
)
@pytest.mark.parametrize("depth", [0, 1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_delimiter_at_the_end_of_a_defined_length_changes_nothing(
    syntax: str, vr: str, tag: int, depth: int
) -> None:
    plain = file_with(nested("", syntax, depth, vr=vr, tag=tag), syntax)
    for kind, body in product(KINDS, REQUESTS):
        data = file_with(nested(kind, syntax, depth, vr=vr, tag=tag), syntax)
        output = anonymized(data, **body)
        assert tree_of(output) == tree_of(anonymized(plain, **body)), (kind, body)
        assert b"Nested" not in output
        assert windowed(data, **body) == output
    for kind in KINDS:
        data = file_with(nested(kind, syntax, depth, vr=vr, tag=tag), syntax)
        assert shown(data) == shown(plain)
        assert tree_of(modified(data, Replace={"0008,1250[*].StudyID": "1"})) == tree_of(
            modified(plain, Replace={"0008,1250[*].StudyID": "1"})
        )
        assert tree_of(modified(data, RemovePrivateTags=True)) == tree_of(
            modified(plain, RemovePrivateTags=True)
        )


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("vr", ["LO", "OB", "UN"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_under_another_vr_may_end_in_its_delimiter(syntax: str, vr: str, kind: str) -> None:
    content = encode([NAMED], syntax)
    data = file_with(sequence(content, syntax, kind, vr=vr), syntax)
    plain = file_with(sequence(content, syntax, "", vr=vr), syntax)
    output = anonymized(data)
    assert b"Nested" not in output
    assert len(output) - len(anonymized(plain)) == len(data) - len(plain)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_index_keeps_of_a_sequence_does_without_its_delimiter(syntax: str, kind: str) -> None:
    facts = []
    for each in ("", kind):
        data = file_with(sequence(encode([NAMED], syntax), syntax, each, tag=0x00080121), syntax)
        request = sequence(encode([Element(0x00400007, "LO", "Step")], syntax), syntax, each, tag=0x00400275)
        data += request
        facts.append(describe(BufferSource(data), default_encoding="Latin1").facts[Level.SERIES])
    assert facts[0] == facts[1]
    assert "Step" in str(facts[0].metadata)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("vr", ["SQ", "UN"])
def test_a_sequence_or_item_of_nothing_but_its_delimiter_is_empty(syntax: str, vr: str) -> None:
    inside = IMPLICIT if vr == "UN" else syntax
    end = tag_and_length(SEQUENCE_DELIMITATION, 0, inside)
    item = tag_and_length(ITEM, 8, inside) + tag_and_length(ITEM_DELIMITATION, 0, inside)
    for content, count in ((end, 0), (item, 1), (item + end, 1)):
        expected: list[dict[str, str]] = [{}] * count
        data = file_with(element(SEQUENCE, vr, content, syntax), syntax)
        for output in (data, anonymized(data), modified(data, RemovePrivateTags=True)):
            assert shown(output)["0008,1250"] == expected
        output = modified(data, Replace={"0008,1250[*].StudyID": "1"})
        assert shown(output)["0008,1250"] == [{"0020,0010": "1"} for _ in expected]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("request_body", REQUESTS)
def test_a_delimiter_anywhere_else_or_with_a_length_is_refused(
    syntax: str, request_body: dict[str, Any]
) -> None:
    name = encode([NAMED], syntax)
    item = tag_and_length(ITEM, len(name), syntax) + name
    ends = {tag: tag_and_length(tag, 0, syntax) for tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION)}
    odd = [
        ends[SEQUENCE_DELIMITATION] + item,
        item + ends[SEQUENCE_DELIMITATION] + item,
        item + 2 * ends[SEQUENCE_DELIMITATION],
        item + tag_and_length(SEQUENCE_DELIMITATION, 4, syntax),
        item + ends[SEQUENCE_DELIMITATION] + b"\0\0",
    ]
    contents = (
        ends[ITEM_DELIMITATION] + name,
        name + 2 * ends[ITEM_DELIMITATION],
        name + ends[ITEM_DELIMITATION] + name,
        name + tag_and_length(ITEM_DELIMITATION, 0x41424344, syntax),
        name + ends[SEQUENCE_DELIMITATION],
    )
    odd += [tag_and_length(ITEM, len(content), syntax) + content for content in contents]
    for content in odd:
        data = file_with(element(SEQUENCE, "SQ", content, syntax), syntax)
        with pytest.raises(BadFileFormatError):
            anonymized(data, **request_body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("end", [(), (SEQUENCE_DELIMITATION,), (ITEM,), (ITEM, SEQUENCE_DELIMITATION)])
@pytest.mark.parametrize("body", REQUESTS)
def test_an_item_of_undefined_length_has_no_other_end(
    body: dict[str, Any],
    end: tuple[int, ...],
    undefined: bool,  # noqa: FBT001
    syntax: str,
) -> None:
    content = encode([NAMED, Element(0x00180015, "CS", "HEAD")], syntax)
    for rest in (b"", encode([Element(0x00200010, "SH", "ID")], syntax)):
        item = tag_and_length(ITEM, UNDEFINED, syntax) + content
        item += b"".join(tag_and_length(tag, 0, syntax) for tag in end) + (rest if end else b"")
        data = file_with(element(SEQUENCE, "SQ", item, syntax, undefined=undefined), syntax)
        with pytest.raises(BadFileFormatError):
            anonymized(data, **body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("too_long", ["element", "sequence", "item"])
@pytest.mark.parametrize("body", REQUESTS)
def test_what_is_longer_than_what_contains_it_is_refused(
    body: dict[str, Any], too_long: str, depth: int, syntax: str
) -> None:
    behind = encode([Element(0x0018A001, "SQ", []), Element(0x00200010, "SH", "ID")], syntax)
    for surplus in (1, 2, 4, 8, len(behind) - 10, len(behind), 1000):
        found = longer(too_long, surplus, syntax)
        for _ in range(depth):
            item = tag_and_length(ITEM, len(found + behind), syntax) + found + behind
            found = element(SEQUENCE, "SQ", item, syntax)
        with pytest.raises(BadFileFormatError):
            anonymized(file_with(found + behind, syntax), **body)


def longer(kind: str, surplus: int, syntax: str) -> bytes:
    """Return a sequence in which something ends so many bytes behind its end."""

    def stretched(header: bytes, content: bytes, by: int) -> bytes:
        return header[:-4] + tag_and_length(0, len(content) + by, syntax)[4:] + content

    head = element(0x00180015, "UT", b"", syntax)
    inner = stretched(head, b"HEAD", surplus * (kind == "element"))
    item = stretched(tag_and_length(ITEM, 0, syntax), inner, surplus * (kind == "item"))
    sequence = stretched(element(SEQUENCE, "SQ", b"", syntax), item, surplus * (kind == "sequence"))
    outer = tag_and_length(ITEM, len(sequence), syntax) + sequence
    return element(SEQUENCE, "SQ", outer, syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("tag", [ITEM_DELIMITATION, SEQUENCE_DELIMITATION, 0xFFFEE001, 0x00080060])
@pytest.mark.parametrize("body", REQUESTS)
def test_what_stands_in_the_place_of_an_item_is_none(
    body: dict[str, Any], tag: int, depth: int, syntax: str
) -> None:
    content = encode([NAMED], syntax)
    found = element(SEQUENCE, "SQ", tag_and_length(tag, len(content), syntax) + content, syntax)
    for _ in range(depth):
        found = element(SEQUENCE, "SQ", tag_and_length(ITEM, len(found), syntax) + found, syntax)
    with pytest.raises(BadFileFormatError):
        anonymized(file_with(found, syntax), **body)
