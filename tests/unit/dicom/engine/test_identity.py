"""One original, one pseudonym: whatever the file, the character set, the padding or the place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.model.resources import Level
from tests.compat.data_sets import Tree, read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10, rich_file, uid
from tests.support.edits import KEY, anonymized, edited, modified, plan, rewriter

PATIENT_ID, STUDY, SERIES, INSTANCE = 0x00100020, 0x0020000D, 0x0020000E, 0x00080018


def value(data: bytes, tag: int) -> str:
    return read_file(data).tree[tag].value.decode().rstrip(" \0")


def every(tree: Tree, tag: int) -> Iterator[bytes]:
    for at, node in tree.items():
        if at == tag:
            yield node.value.rstrip(b" \0")
        for item in node.items or []:
            yield from every(item, tag)


def patient_file(raw: bytes, charset: str, syntax: str = EXPLICIT) -> bytes:
    elements = [
        Element(0x00080005, "CS", charset),
        Element(INSTANCE, "UI", "1.2.3"),
        Element(PATIENT_ID, "LO", raw),
        Element(STUDY, "UI", "1.2"),
    ]
    return part10(encode(elements, syntax), syntax)


def test_one_patient_has_one_pseudonym_in_every_character_set_and_padding() -> None:
    files = [
        patient_file("É1".encode("latin-1"), "ISO_IR 100"),
        patient_file("É1".encode("latin-1") + b"  ", "ISO_IR 100", IMPLICIT),
        patient_file("É1".encode() + b" ", "ISO_IR 192"),
        patient_file("É1".encode() + b"\0", "ISO_IR 192", BIG),
        patient_file("É1".encode("iso8859_2") + b"\0\0", "ISO_IR 101", DEFLATED),
        patient_file(" É1".encode("gb18030"), "GB18030"),
    ]
    engine = rewriter({})
    assert len({value(edited(data, engine), PATIENT_ID) for data in files}) == 1


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize(
    "body", [{"Replace": {"SpecificCharacterSet": "ISO_IR 100"}}, {"Remove": ["SpecificCharacterSet"]}]
)
def test_one_patient_has_one_pseudonym_where_the_request_relabels(body: dict[str, Any], syntax: str) -> None:
    expected = value(anonymized(patient_file("Ж7".encode(), "ISO_IR 192")), PATIENT_ID)
    for charset, codec in (("ISO_IR 192", "utf-8"), ("ISO_IR 144", "iso8859_5"), ("GB18030", "gb18030")):
        raw = "Ж7".encode(codec)
        output = anonymized(patient_file(raw + b" " * (len(raw) % 2), charset, syntax), **body)
        assert value(output, PATIENT_ID) == expected


def test_two_patients_stay_two() -> None:
    first = anonymized(patient_file(b"P1", "ISO_IR 100"))
    assert value(first, PATIENT_ID) != value(anonymized(patient_file(b"p1", "ISO_IR 100")), PATIENT_ID)
    assert len(value(first, PATIENT_ID)) == 36


def test_a_nested_character_set_decodes_the_nested_identifier() -> None:
    nested = [Element(0x00080005, "CS", "ISO_IR 192"), Element(PATIENT_ID, "LO", "Ж7".encode())]
    elements = [
        Element(0x00080005, "CS", "ISO_IR 144"),
        Element(0x00081250, "SQ", [nested, nested[1:]]),
        Element(PATIENT_ID, "LO", "Ж7".encode("iso8859_5") + b" "),
    ]
    first, second, top = every(read_file(anonymized(part10(encode(elements)))).tree, PATIENT_ID)
    assert first == top
    assert second != top, "read as Cyrillic, the UTF-8 bytes are another identifier"


def test_references_follow_the_instances_of_a_series() -> None:
    engine = rewriter({})
    outputs = [edited(rich_file(instance=number), engine) for number in (1, 2)]
    instances = [value(output, INSTANCE).encode() for output in outputs]
    for output in outputs:
        references = read_file(output).tree[0x00081140].items or []
        assert [item[0x00081155].value.rstrip(b"\0") for item in references] == instances
    assert value(outputs[0], SERIES) == value(outputs[1], SERIES)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({"instance": 2}, {PATIENT_ID, STUDY, SERIES}),
        ({"series": 2}, {PATIENT_ID, STUDY}),
        ({"study": 2}, {PATIENT_ID}),
        ({"patient": 2}, set()),
    ],
)
def test_identifiers_are_shared_as_the_originals_share_them(other: dict[str, int], shared: set[int]) -> None:
    first, second = anonymized(rich_file()), anonymized(rich_file(**other))  # type: ignore[arg-type]
    tags = (PATIENT_ID, STUDY, SERIES, INSTANCE)
    assert {tag for tag in tags if value(first, tag) == value(second, tag)} == shared


def test_no_original_identifier_is_left_at_any_depth() -> None:
    output = anonymized(rich_file())
    assert b"1.2.826.0.1.3680043.8.498." not in output
    assert b"P1" not in output


def test_one_uid_in_three_namespaces_gets_three_new_ones() -> None:
    elements = [Element(tag, "UI", "1.2.3") for tag in (INSTANCE, STUDY, SERIES)]
    output = anonymized(part10(encode(elements)))
    assert len({value(output, tag) for tag in (INSTANCE, STUDY, SERIES)}) == 3


def test_missing_uids_are_given_and_a_missing_patient_is_not() -> None:
    tree = read_file(anonymized(part10(encode([Element(0x00080060, "CS", "CT")])))).tree
    assert {INSTANCE, STUDY, SERIES} <= tree.keys()
    assert PATIENT_ID not in tree


@pytest.mark.parametrize(
    ("level", "fresh"),
    [
        ("Patient", {STUDY, SERIES, INSTANCE}),
        ("Study", {STUDY, SERIES, INSTANCE}),
        ("Series", {SERIES, INSTANCE}),
        ("Instance", {INSTANCE}),
    ],
)
def test_a_modification_renews_the_uids_of_its_level_and_below(level: str, fresh: set[int]) -> None:
    output = modified(rich_file(), level=Level(level))
    before = read_file(rich_file()).tree
    after = read_file(output).tree
    assert {tag for tag in (PATIENT_ID, STUDY, SERIES, INSTANCE) if before[tag] != after[tag]} == fresh
    references = after[0x00081140].items or []
    assert references[0][0x00081155].value.rstrip(b"\0").decode() == uid(1, 1, 1, 1), "references stay"
    assert after[0x00200052] == before[0x00200052], "the frame of reference stays"


def test_references_follow_a_replaced_identifier() -> None:
    output = anonymized(rich_file(), Replace={"SOPInstanceUID": "9.9", "PatientID": "New"}, Force=True)
    assert b"9.9" in list(every(read_file(output).tree, 0x00081155))
    kept = anonymized(rich_file(), Replace={"PatientID": "New"}, Force=True, KeepPrivateTags=True)
    assert set(every({0x00081250: read_file(kept).tree[0x00081250]}, PATIENT_ID)) == {b"New"}


def test_a_reference_to_a_study_in_a_structure_set_follows_the_study() -> None:
    reference = [Element(0x00081155, "UI", "1.2")]
    frames = [Element(0x30060012, "SQ", [reference]), Element(0x00081140, "SQ", [reference])]
    elements = [
        Element(INSTANCE, "UI", "1.2.3"),
        Element(STUDY, "UI", "1.2"),
        Element(0x30060010, "SQ", [frames[::-1]]),
    ]
    data = part10(encode(elements))
    output = anonymized(data)
    (item,) = read_file(output).tree[0x30060010].items or []
    (study,) = item[0x30060012].items or []
    (image,) = item[0x00081140].items or []
    assert study[0x00081155].value.rstrip(b"\0").decode() == value(output, STUDY)
    assert image[0x00081155].value != study[0x00081155].value
    assert b"1.2\0" in encode(elements[2:])
    assert modified(data, RemovePrivateTags=True).endswith(encode(elements[2:])), (
        "a modification leaves it alone"
    )


def test_the_key_decides_and_nothing_else() -> None:
    first = anonymized(rich_file())
    assert first == anonymized(rich_file()), "a repeated step writes the same bytes"
    other = Rewriter(plan({}), IdentityMapper(KEY[::-1]), default_encoding="Latin1")
    assert value(edited(rich_file(), other), INSTANCE) != value(first, INSTANCE)


def test_padding_and_leading_spaces_of_uids_do_not_count() -> None:
    files = [
        part10(encode([Element(INSTANCE, "UI", raw)]))
        for raw in (b"1.2.3\0", b"1.2.3 ", b"1.2.30", b" 1.2.3")
    ]
    found = [value(anonymized(data), INSTANCE) for data in files]
    assert found[0] == found[1] == found[3] != found[2]


def test_each_value_of_a_multi_valued_uid_is_mapped() -> None:
    elements = [
        Element(INSTANCE, "UI", "1.2.3"),
        Element(0x00081250, "SQ", [[Element(0x00081155, "UI", "1.2.3\\4.5")]]),
    ]
    output = anonymized(part10(encode(elements)))
    (found,) = every(read_file(output).tree, 0x00081155)
    first, second = found.decode().split("\\")
    assert first == value(output, INSTANCE)
    assert second.startswith("2.25.")
