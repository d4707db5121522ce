"""Group lengths go, or are right: at every depth, whatever changes around them (PS3.5 7.2)."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from dicomorph.dicom.stream import elements as reading
from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import anonymized, modified
from tests.support.hidden_names import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, element, tag_and_length

ENCODINGS = {EXPLICIT: EXPLICIT_LITTLE, IMPLICIT: IMPLICIT_LITTLE, BIG: EXPLICIT_BIG}
SEQUENCES = (0x00081140, 0x00081250, 0x0040A730)
UNDEFINED = 0xFFFFFFFF
LEAVES = [
    *(Element(0x00080060, "CS", "CT"), Element(0x00080080, "LO", "Hospital"), Element(0x00091001, "LO", "x")),
    *(Element(0x00090010, "LO", "ACME"), Element(0x00100010, "PN", "A^B"), Element(0x00100020, "LO", "PID")),
    *(Element(0x0020000D, "UI", "1.2.3"), Element(0x00200010, "SH", "ID"), Element(0x00280010, "US", 3)),
]
EDITS: list[tuple[bool, dict[str, Any]]] = [
    *((True, body) for body in ({}, {"DicomVersion": "2008"}, {"KeepPrivateTags": True})),
    (True, {"Keep": ["0008,1250", "InstitutionName"]}),
    (True, {"Replace": {"0008,1250[*].StudyID": "1"}, "Remove": ["0008,1250[0].0008,1140[*].StudyID"]}),
    *((False, body) for body in ({}, {"RemovePrivateTags": True}, {"Replace": {"PatientName": "New"}})),
    (False, {"Replace": {"0008,1250[*].StudyID": "1"}}),
    (False, {"Replace": {"0008,1250[1].0008,1140[0].StudyID": "longer", "0040,a730[*].PatientName": "N"}}),
    (False, {"Remove": ["0008,1250[*].0040,a730[1].PatientName", "0008,1140[0].StudyID"]}),
]


def with_group_lengths(rng: random.Random, syntax: str, depth: int) -> bytes:
    """Return a data set in which each group, at every depth, begins with its length."""
    found = {leaf.tag: encode([leaf], syntax) for leaf in rng.sample(LEAVES, 6)}
    for tag in SEQUENCES if depth else ():
        found[tag] = sequence(rng, tag, syntax, depth)
    groups: dict[int, bytes] = {}
    for tag in sorted(found):
        groups[tag >> 16] = groups.get(tag >> 16, b"") + found[tag]
    order = ">" if syntax == BIG else "<"
    return b"".join(
        element(group << 16, "UL", struct.pack(order + "I", len(body)), syntax) + body
        for group, body in groups.items()
    )


def sequence(rng: random.Random, tag: int, syntax: str, depth: int) -> bytes:
    items = b""
    for _ in range(2):
        body = with_group_lengths(rng, syntax, depth - 1)
        undefined = rng.random() < 0.5
        items += tag_and_length(ITEM, UNDEFINED if undefined else len(body), syntax) + body
        items += tag_and_length(ITEM_DELIMITATION, 0, syntax) if undefined else b""
    return element(tag, "SQ", items, syntax, undefined=rng.random() < 0.5)


def wrong(data: bytes, pos: int, end: int, encoding: Encoding) -> Iterator[str]:
    """Yield what is wrong with the group lengths in a data set."""
    groups: dict[int, int] = {}
    declared: dict[int, int] = {}
    while pos < end:
        tag = reading.read_header(data, pos, end, encoding)[0]
        if tag == ITEM_DELIMITATION:
            break
        found = reading.read_element(data, pos, end, encoding)
        if tag & 0xFFFF:
            groups[tag >> 16] = groups.get(tag >> 16, 0) + found.stop - pos
        else:
            (declared[tag >> 16],) = struct.unpack_from(encoding.order + "I", data, found.value)
        if tag in SEQUENCES:
            yield from wrong_in_items(data, found.value, found.stop, encoding)
        pos = found.stop
    yield from (f"{group:04x}" for group, length in declared.items() if groups.get(group, 0) != length)


def wrong_in_items(data: bytes, pos: int, end: int, encoding: Encoding) -> Iterator[str]:
    while pos < end:
        tag, _, value, length = reading.read_header(data, pos, end, encoding)
        if tag == SEQUENCE_DELIMITATION:
            return
        stop = value + length
        if length == UNDEFINED:
            stop = reading.skip_undefined(data, value, end, encoding, in_item=True)
        yield from wrong(data, value, stop, encoding)
        pos = stop


def wrong_in_file(data: bytes) -> list[str]:
    found = open_dataset(BufferSource(data))
    return list(wrong(data, found.start, len(data), found.encoding))


@pytest.mark.parametrize("syntax", ENCODINGS)
@pytest.mark.parametrize(("anonymize", "body"), EDITS)
def test_group_lengths_that_stay_are_right(syntax: str, anonymize: bool, body: dict[str, Any]) -> None:  # noqa: FBT001
    for seed in range(5):
        rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
        first = encode([Element(0x00080018, "UI", "1.2.3")], syntax)
        data_set = b"".join(sequence(rng, tag, syntax, 2) for tag in SEQUENCES)
        data = part10(first + data_set, syntax)
        assert wrong_in_file(data) == []
        output = anonymized(data, **body) if anonymize else modified(data, **body)
        assert wrong_in_file(output) == []


def test_a_group_length_that_is_wrong_is_found() -> None:
    lengths = [Element(0x00100000, "UL", 100), Element(0x00100020, "LO", "PID")]
    data = part10(encode([Element(0x00081250, "SQ", [lengths])]))
    assert wrong_in_file(data) == ["0010"]
    assert wrong_in_file(modified(data, RemovePrivateTags=True)) == []


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_commands_before_the_data_set_go(syntax: str) -> None:
    """Those of the network (PS3.7 E.1), which some writers leave in files, begin with their length."""
    commands = [
        Element(0, "UL", 20),
        Element(0x00000002, "UI", "1.2.840.10008.1.2"),
        Element(0x00000110, "US", 1),
    ]
    data_set = [Element(0x00080018, "UI", "1.2.3"), Element(0x0020000D, "UI", "1.2")]
    for edit in (anonymized, modified):
        assert edit(part10(encode([*commands, *data_set], syntax), syntax)) == edit(
            part10(encode(data_set, syntax), syntax)
        )
