"""Items with a character set of their own, given by the file or by the request."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import Tree, read_file
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import KEY, anonymized, modified

CHARSET, NAME, COMMENTS = 0x00080005, 0x00100010, 0x00104000
CONTENT, CODES, RELATED = 0x0040A730, 0x0040A043, 0x00081250
LATIN, CYRILLIC, UTF8 = "latin-1", "iso8859_5", "utf-8"


def file_of(*items: list[Element], charset: str = "ISO_IR 100", syntax: str = EXPLICIT) -> bytes:
    data = [
        Element(CHARSET, "CS", charset),
        Element(0x00080018, "UI", "1.2.3"),
        Element(CONTENT, "SQ", list(items)),
    ]
    return part10(encode(data, syntax), syntax)


def items_of(output: bytes) -> list[Tree]:
    return read_file(output).tree[CONTENT].items or []


def cyrillic() -> Element:
    return Element(CHARSET, "CS", "ISO_IR 144")


def padded(text: str, codec: str) -> bytes:
    raw = text.encode(codec)
    return raw + b" " * (len(raw) % 2)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("item", [[], [cyrillic()], [cyrillic(), Element(COMMENTS, "LT", "x ")]])
def test_text_is_written_in_the_character_set_that_a_path_gives_its_item(
    item: list[Element], syntax: str
) -> None:
    # Whatever the order of their names.
    replace = {
        "(0040,A730)[*].PatientName": "Zoë Ж",
        "ContentSequence[*].SpecificCharacterSet": "ISO_IR 192",
        "ContentSequence[*].PatientComments": "Ж é",
    }
    (found,) = items_of(modified(file_of(item, syntax=syntax), Replace=replace))
    assert found[CHARSET].value == b"ISO_IR 192"
    assert found[NAME].value == padded("Zoë Ж", UTF8)
    assert found[COMMENTS].value == padded("Ж é", UTF8)


def test_items_below_inherit_what_a_path_gave() -> None:
    below = Element(CODES, "SQ", [[], [Element(CHARSET, "CS", "ISO_IR 100")]])
    replace = {
        "ContentSequence[0].SpecificCharacterSet": "ISO_IR 144",
        "ContentSequence[0].ConceptNameCodeSequence[0].PatientName": "Ж",
        "ContentSequence[0].ConceptNameCodeSequence[1].PatientName": "é",
    }
    (item,) = items_of(modified(file_of([below]), Replace=replace))
    first, second = item[CODES].items or []
    assert first[NAME].value == padded("Ж", CYRILLIC)
    assert second[NAME].value == padded("é", LATIN)


def test_an_item_without_its_character_set_has_that_of_what_is_around_it() -> None:
    body: dict[str, Any] = {
        "Remove": ["ContentSequence[0].SpecificCharacterSet"],
        "Replace": {"ContentSequence[*].PatientName": "é"},
    }
    (item,) = items_of(modified(file_of([cyrillic()]), **body))
    assert item[NAME].value == padded("é", LATIN)
    body["Replace"] = {"ContentSequence[*].PatientName": "Ж"}
    with pytest.raises(BadFileFormatError, match=r"0010,0010.*ISO_IR 100"):
        modified(file_of([cyrillic()]), **body)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("below", [False, True])
def test_a_character_set_that_a_path_removes_goes_and_no_other(below: bool, syntax: str) -> None:  # noqa: FBT001
    item = [cyrillic(), Element(CODES, "SQ", [[cyrillic()]])]
    path = "ContentSequence[0].ConceptNameCodeSequence[*]" if below else "ContentSequence[0]"
    (found,) = items_of(modified(file_of(item, syntax=syntax), Remove=[f"{path}.SpecificCharacterSet"]))
    (inner,) = found[CODES].items or []
    assert (CHARSET in found, CHARSET in inner) == (below, not below)


def test_relabelling_the_file_leaves_items_that_declare_their_own() -> None:
    replace = {"SpecificCharacterSet": "ISO_IR 192", "ContentSequence[*].PatientName": "Ж"}
    first, second = items_of(modified(file_of([cyrillic()], []), Replace=replace))
    assert first[NAME].value == padded("Ж", CYRILLIC)
    assert second[NAME].value == padded("Ж", UTF8)


def test_new_items_may_declare_one_and_items_below_inherit_it() -> None:
    value = [
        {
            "SpecificCharacterSet": "ISO_IR 144",
            "PatientName": "Ж",
            "ConceptNameCodeSequence": [
                {"PatientName": "Ж"},
                {"PatientName": "é", "SpecificCharacterSet": "ISO_IR 100"},
            ],
        },
        {"PatientName": "é"},
    ]
    first, second = items_of(modified(file_of(), Replace={"ContentSequence": value}))
    below, lowest = first[CODES].items or []
    assert first[NAME].value == below[NAME].value == padded("Ж", CYRILLIC)
    assert lowest[NAME].value == second[NAME].value == padded("é", LATIN)


def test_a_path_into_new_items_writes_in_theirs() -> None:
    replace = {
        "ContentSequence": [{"SpecificCharacterSet": "ISO_IR 144"}],
        "ContentSequence[0].PatientName": "Ж",
    }
    (item,) = items_of(modified(file_of(), Replace=replace))
    assert item[NAME].value == padded("Ж", CYRILLIC)


def test_one_patient_keeps_one_pseudonym_in_items_that_a_path_relabels() -> None:
    identifier = [Element(0x00100020, "LO", "П1".encode(CYRILLIC) + b" ")]
    data = part10(
        encode(
            [
                cyrillic(),
                Element(0x00080018, "UI", "1.2.3"),
                Element(0x00081140, "SQ", [identifier]),
                *identifier,
            ]
        )
    )
    output = read_file(anonymized(data, Replace={"0008,1140[0].SpecificCharacterSet": "ISO_IR 192"})).tree
    (item,) = output[0x00081140].items or []
    assert item[0x00100020].value == output[0x00100020].value


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("below", [False, True])
def test_an_identifier_is_read_in_the_character_set_that_goes(syntax: str, *, below: bool) -> None:
    # One patient would have two pseudonyms otherwise.
    item = [Element(CHARSET, "CS", "ISO_IR 192"), Element(0x00100020, "LO", "Ä".encode())]
    path = "RelatedSeriesSequence[0].SpecificCharacterSet"
    if below:
        item, path = [Element(RELATED, "SQ", [item])], f"RelatedSeriesSequence[0].{path}"
    data = encode([Element(CHARSET, "CS", "ISO_IR 100"), Element(RELATED, "SQ", [item])], syntax)
    output = anonymized(part10(data, syntax), Remove=[path], DicomVersion="2008")
    (found,) = read_file(output).tree[RELATED].items or []
    if below:
        (found,) = found[RELATED].items or []
    assert CHARSET not in found
    assert found[0x00100020].value == IdentityMapper(KEY).patient_id("Ä").encode()
