"""Cases that trip de-identifiers (PS3.15 Annex E), where the present editions of the profile speak of them.

Unknown VRs, graphics, private tags and the container: test_differences*.py; damage: engine/test_damage*.py.
"""

from __future__ import annotations

import re

import pytest

from dicomorph.deid.editions.profiles import EDITIONS
from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import CT_IMAGE_STORAGE, EXPLICIT, IMPLICIT, Element, Items, encode
from tests.support.edits import anonymized
from tests.support.small_files import (
    CLASS,
    INSTANCE,
    NAME,
    PATIENT_ID,
    STUDY,
    every,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

SINCE_2017C = EDITIONS[1:]
IMAGES, REFERENCED_INSTANCE = 0x00081140, 0x00081155
FRAME_CONTENT, PER_FRAME = 0x00209111, 0x52009230


def items(*elements: Element) -> Items:
    return [list(elements)]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("group", [0x0001, 0x0003, 0x0005, 0x0007, 0x0009, 0xFFFD, 0xFFFF])
def test_odd_groups_go_with_and_without_a_creator(edition: str, group: int) -> None:
    creator, element = (
        Element(group << 16 | 0x10, "LO", "ACME"),
        Element(group << 16 | 0x1010, "PN", "DOE^JOHN"),
    )
    for elements in ([element], [creator, element]):
        output = anonymized(small_file(*elements, nested(*elements)), DicomVersion=edition)
        assert b"DOE^JOHN" not in output
        assert b"ACME" not in output


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_command_and_a_directory_record_in_a_file_go(edition: str) -> None:
    command = [Element(0x00000002, "UI", CT_IMAGE_STORAGE), Element(0x00001030, "AE", "DOE")]
    record = Element(0x00041220, "SQ", items(Element(NAME, "PN", "DOE^JOHN")))
    output = anonymized(small_file(*command, record, nested(*command, record)), DicomVersion=edition)
    assert b"DOE" not in output
    assert min(tree_of(output)) == CLASS


@pytest.mark.parametrize("edition", EDITIONS)
def test_request_attributes_go_whole(edition: str) -> None:
    request = [Element(0x00080050, "SH", "ACC1"), Element(0x00321032, "PN", "DOE^JOHN")]
    output = anonymized(small_file(Element(0x00400275, "SQ", items(*request))), DicomVersion=edition)
    assert not every(output, 0x00400275)
    assert b"ACC1" not in output


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_every_frame_loses_its_time(syntax: str) -> None:
    frames: Items = [
        [
            Element(
                FRAME_CONTENT,
                "SQ",
                items(Element(0x00189074, "DT", f"2020010{n}"), Element(0x00209057, "UL", n)),
            )
        ]
        for n in range(1, 6)
    ]
    output = anonymized(small_file(Element(PER_FRAME, "SQ", frames), syntax=syntax))
    assert values_of(output, 0x00189074) == [b""] * 5
    assert [value[0] for value in values_of(output, 0x00209057)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("edition", EDITIONS)
def test_previous_values_go_and_encrypted_ones_stay(edition: str) -> None:
    previous = Element(
        0x04000561, "SQ", items(Element(0x04000550, "SQ", items(Element(PATIENT_ID, "LO", "OLDPID"))))
    )
    sealed = Element(
        0x04000500,
        "SQ",
        items(Element(0x04000510, "UI", "1.2.840.10008.1.2"), Element(0x04000520, "OB", b"sealed")),
    )
    output = anonymized(small_file(previous, sealed, nested(previous)), DicomVersion=edition)
    assert b"OLDPID" not in output
    assert encode([sealed]) in output, "whoever has no key reads nothing"


@pytest.mark.parametrize("edition", EDITIONS)
def test_equipment_that_contributed_loses_its_institution(edition: str) -> None:
    equipment = [
        Element(0x00080070, "LO", "Maker"),
        Element(0x00080080, "LO", "Clinic"),
        Element(0x00081010, "SH", "Room7"),
    ]
    output = anonymized(small_file(Element(0x0018A001, "SQ", items(*equipment))), DicomVersion=edition)
    (item,) = every(output, 0x0018A001)[0].items or []
    assert sorted(item) == [0x00080070]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize("undefined", [False, True])
def test_empty_sequences_and_items_stay_legal(syntax: str, undefined: bool) -> None:  # noqa: FBT001
    sequences = [
        Element(IMAGES, "SQ", [], undefined=undefined),
        Element(0x00081250, "SQ", [[]], undefined=undefined),
        Element(0x00082112, "SQ", [[], [Element(NAME, "PN", "Nested")], []], undefined=undefined),
    ]
    tree = tree_of(anonymized(small_file(*sequences, syntax=syntax)))
    assert [[len(item) for item in tree[element.tag].items or []] for element in sequences] == [
        [],
        [0],
        [0, 1, 0],
    ]


@pytest.mark.parametrize("edition", SINCE_2017C)
def test_other_identities_of_the_patient_go(edition: str) -> None:
    sequences = [
        Element(tag, "SQ", items(Element(PATIENT_ID, "LO", "OTHERPID")))
        for tag in (0x00101002, 0x00101100, 0x00880200)
    ]
    names = [Element(0x00101001, "PN", "DOE^JOHN\\ROE^JANE"), Element(0x00101000, "LO", "OTHERPID")]
    output = anonymized(small_file(*sequences, *names), DicomVersion=edition)
    assert b"OTHERPID" not in output
    assert b"ROE" not in output


@pytest.mark.parametrize("edition", EDITIONS)
def test_no_digits_of_an_identifier_survive(edition: str) -> None:
    record = "19700101123456"
    uids = [Element(INSTANCE, "UI", f"1.2.{record}"), Element(STUDY, "UI", f"1.2.{record}.1")]
    uids += [Element(0x00200052, "UI", f"1.2.{record}.2"), Element(PATIENT_ID, "LO", record)]
    output = anonymized(small_file(*uids, nested(*uids)), DicomVersion=edition)
    assert not re.search(rb"19700101|123456", output)


def test_what_names_a_kind_of_thing_stays() -> None:
    data = small_file(
        nested(Element(0x00081150, "UI", CT_IMAGE_STORAGE), Element(0x0008010C, "UI", "1.2.840.10008.2.16.4"))
    )
    before, after = read_file(data), read_file(anonymized(data))
    assert after.tree[CLASS] == before.tree[CLASS]
    assert after.syntax == before.syntax
    assert after.tree[0x00081250] == before.tree[0x00081250]


@pytest.mark.parametrize("edition", EDITIONS)
def test_references_to_what_is_not_at_hand_are_mapped_alike(edition: str) -> None:
    foreign = Element(REFERENCED_INSTANCE, "UI", "1.9.9.9")
    data = small_file(
        nested(foreign, tag=IMAGES), Element(0x0040A375, "SQ", items(nested(foreign, tag=0x00081199)))
    )
    found = values_of(anonymized(data, DicomVersion=edition), REFERENCED_INSTANCE)
    assert len(found) == 2
    assert len(set(found)) == 1
    assert found[0].startswith(b"2.25.")


@pytest.mark.parametrize("edition", ["2021b", "2023b"])
@pytest.mark.parametrize("tag", [0x00083010, 0x0018100B])
def test_each_of_many_uids_in_one_attribute_is_mapped(edition: str, tag: int) -> None:
    many = Element(tag, "UI", "1.2.3\\1.2.4\\1.2.3")
    for found in values_of(anonymized(small_file(many, nested(many)), DicomVersion=edition), tag):
        first, second, third = found.split(b"\\")
        assert first == third != second
        assert first.startswith(b"2.25.")


@pytest.mark.parametrize(
    "raw", [b"1.2.3 ", b"1.2.3\0\0\0", b" 1.2.3", b"1." * 40 + b"2\0", b"not a uid!", b"1..2"]
)
def test_an_odd_uid_is_mapped_like_any(raw: bytes) -> None:
    data = small_file(Element(INSTANCE, "UI", raw), nested(Element(REFERENCED_INSTANCE, "UI", raw)))
    output = anonymized(data)
    assert re.fullmatch(rb"2\.25\.[1-9][0-9]{1,38}", value_of(output, INSTANCE))
    assert values_of(output, REFERENCED_INSTANCE) == [value_of(output, INSTANCE)]
    assert read_file(output).meta[0x00020003].rstrip(b"\0") == value_of(output, INSTANCE)


def test_a_kept_uid_is_in_the_file_meta_information_too() -> None:
    output = anonymized(small_file(), Keep=["SOPInstanceUID"], Force=True)
    assert read_file(output).meta[0x00020003].rstrip(b"\0") == b"1.2.3" == value_of(output, INSTANCE)


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=".encode("ascii")),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东=DOE".encode()),
        ("ISO_IR 100", b"DOE^JOHN\\ROE^JANE"),
        ("ISO_IR 192", b"DOE^\xff\xfe\xe9JOHN"),  # not what is declared
        ("NO SUCH SET", b"DOE^J\xf6HN"),
        ("ISO_IR 100", b"DOE" * 60 + b"\x07\x1b\\\\x"),
    ],
)
@pytest.mark.parametrize("edition", EDITIONS)
def test_no_part_of_a_name_survives_whatever_its_characters(edition: str, charset: str, raw: bytes) -> None:
    raw += b" " * (len(raw) % 2)
    names = [Element(NAME, "PN", raw), Element(0x00101001, "PN", raw)]
    data = small_file(Element(0x00080005, "CS", charset), *names, nested(*names))
    output = anonymized(data, DicomVersion=edition, Replace={"0012,0063": "x"})
    assert raw not in output
    assert not re.search(rb"DOE|JOHN|ROE|Yamada|Wang|;3ED", output)


@pytest.mark.parametrize("edition", EDITIONS)
def test_descriptions_devices_and_ages_go(edition: str) -> None:
    tags = (0x00081030, 0x0008103E, 0x00081010, 0x00181000, 0x00181030, 0x00204000, 0x00101010, 0x00080050)
    elements = [Element(tag, "LO", "DOE^JOHN") for tag in tags]
    elements.append(Element(0x00101030, "DS", "DOE^JOHN"))  # a number by its VR alone
    assert b"DOE" not in anonymized(small_file(*elements, nested(*elements)), DicomVersion=edition)


@pytest.mark.parametrize("edition", SINCE_2017C)
def test_annotations_of_presentation_states_go(edition: str) -> None:
    text = Element(0x00700008, "SQ", items(Element(0x00700006, "ST", "DOE^JOHN")))
    annotation = Element(0x00700001, "SQ", items(text))
    assert b"DOE" not in anonymized(small_file(annotation, nested(annotation)), DicomVersion=edition)


def test_a_document_is_emptied_where_the_edition_says_so() -> None:
    document = small_file(
        Element(0x00420011, "OB", b"%PDF-1.4 DOE^JOHN "), Element(0x00420012, "LO", "application/pdf")
    )
    output = anonymized(document)
    assert b"DOE" not in output
    assert value_of(output, 0x00420011) == b""


@pytest.mark.parametrize("tail", [b"DOE^JOHN", b"\0" * 16 + b"DOE^JOHN", b"\0" * 3 + b"D"])
def test_bytes_behind_the_last_element_are_refused(tail: bytes) -> None:
    data = small_file(Element(0x7FE00010, "OW", (1, 2))) + tail
    with pytest.raises(BadFileFormatError):
        anonymized(data)
