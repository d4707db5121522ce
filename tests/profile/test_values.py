"""Values as people and devices write them: names in every alphabet, odd dates, text where numbers belong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import Element
from tests.profile.facts import types
from tests.profile.instances import COMPREHENSIVE_SR, CT, ENHANCED_MR, bytes_of, changed, text
from tests.profile.objects import Key, filled
from tests.profile.products import file_of, product
from tests.profile.readings import Reading
from tests.support.edits import anonymized

NAMES = {
    "ISO 2022 IR 87": b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    "ISO 2022 IR 149": b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
    "ISO_IR 192": "Wang^XiaoDong=王^小東=".encode(),
    "GB18030": "Wang^XiaoDong=王^小东=".encode("gb18030"),
}


@pytest.mark.parametrize("charset", NAMES)
def test_all_components_of_a_name_go(charset: str) -> None:
    name = NAMES[charset] + b" " * (len(NAMES[charset]) % 2)
    term = charset if charset[3] == "_" or charset == "GB18030" else f"\\{charset}"
    found = changed(
        Element(0x00080005, "CS", term),
        Element(0x00100010, "PN", name),
        Element(0x00081048, "PN", name),
        Element(0x00081250, "SQ", [[Element(0x00100010, "PN", name)]]),
    )
    for part in re.split(rb"[\^= ]", name):
        assert len(part) < 2 or part not in found.data


def test_several_names_and_other_names_go() -> None:
    found = changed(
        Element(0x00100010, "PN", "Zorblatt^Q\\Zorblatt^Quentin"),
        Element(0x00101001, "PN", "Zorblatt^Otto\\Quux^Q"),
        Element(0x00101060, "PN", "Zorblatt^Mother"),
    )
    assert not re.search(rb"Zorblatt|Quux", found.data)


@pytest.mark.parametrize(
    "value", ["x" * 70 + "Zorblatt", "a\\Zorblatt\\", "\x1b$Zorblatt\r\n\t ", "\0\0Zorblatt"]
)
@pytest.mark.parametrize(("tag", "vr"), [(0x00081030, "LO"), (0x00080050, "SH"), (0x00120010, "LO")])
def test_what_a_text_hides_behind_its_limit_goes(tag: int, vr: str, value: str) -> None:
    assert b"Zorblatt" not in changed(Element(tag, vr, value)).data


def test_descriptions_names_of_devices_and_comments_go() -> None:
    texts = {
        0x00081030: ("LO", "CT chest 55F Dr. Zorblatt"),
        0x0008103E: ("LO", "Zorblatt follow-up"),
        0x00081010: ("SH", "ZorblattRoom1"),
        0x00181000: ("LO", "SN-Zorblatt"),
        0x00181030: ("LO", "Zorblatt protocol"),
        0x00204000: ("LT", "seen by Zorblatt"),
    }
    found = changed(*(Element(tag, vr, value) for tag, (vr, value) in texts.items()))
    assert b"Zorblatt" not in found.data
    assert (0x00081030,) not in found.elements


def test_numbers_of_orders_visits_and_studies_go_with_their_issuers() -> None:
    issuer = [Element(0x00400031, "UT", "K77431905.example"), Element(0x00400033, "CS", "DNS")]
    found = changed(
        Element(0x00080050, "SH", "A77431905"),
        Element(0x00080051, "SQ", [issuer]),
        Element(0x00200010, "SH", "S77431905"),
        Element(0x00380010, "LO", "V77431905"),
        Element(0x00380014, "SQ", [issuer]),
        Element(0x00402016, "LO", "P77431905"),
        Element(0x00402017, "LO", "F77431905"),
        Element(0x00100021, "LO", "I77431905"),
        Element(0x00101002, "SQ", [[Element(0x00100020, "LO", "O77431905")]]),
    )
    left = {key for key, read in found.elements.items() if b"77431905" in read.value}
    assert left <= {(0x00080051, 0, 0x00400031)}  # says of no patient whose number it issued
    assert found.elements[0x00080050,].value == b""
    assert found.elements[0x00200010,].value == b""


DATES = [
    (0x00080020, "DA", "1999.12.31"),
    (0x00080022, "DA", "20240229"),
    (0x0008002A, "DT", "20240229235959.999999+0100"),
    (0x0008002A, "DT", "2024"),
    (0x00080030, "TM", "23:59:59"),
    (0x00080032, "TM", "2359"),
]


@pytest.mark.parametrize(("tag", "vr", "value"), DATES)
def test_odd_dates_go_and_stay_with_the_option_that_keeps_them(tag: int, vr: str, value: str) -> None:
    found = changed(Element(tag, vr, value))
    assert (tag,) not in found.elements or text(found, tag) in {"", "19000101", "000000", "19000101000000"}
    kept = changed(Element(tag, vr, value), options=("RetainLongitudinalFullDates",))
    assert text(kept, tag) == value


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080020, "DA", "20200101Zorblatt"),
        (0x00080030, "TM", "Zorblatt"),
        (0x0008002A, "DT", "2020\\Zorblatt"),
    ],
)
def test_text_where_a_date_belongs_goes_whatever_dates_are_kept(tag: int, vr: str, value: str) -> None:
    found = changed(Element(tag, vr, value), options=("RetainLongitudinalFullDates",))
    assert b"Zorblatt" not in found.data


def test_a_birth_date_goes_whatever_dates_are_kept() -> None:
    found = changed(options=("RetainLongitudinalFullDates",))
    assert found.elements[0x00100030,].value == b""


def test_a_high_age_goes_and_is_capped_where_ages_stay() -> None:
    age, of_study = Element(0x00101010, "AS", "095Y"), Element(0x00080020, "DA", "20200102")
    assert (0x00101010,) not in changed(age, of_study).elements
    options = ["RetainPatientCharacteristics", "RetainLongitudinalFullDates"]
    body = {"DicomVersion": "2026d", "Profile": {"Options": options, "AgeCap": True}}
    for value, expected in (("095Y", "090Y"), ("090Y", "090Y"), ("089Y", "089Y"), ("011M", "011M")):
        capped = Reading(anonymized(bytes_of(Element(0x00101010, "AS", value), of_study), **body))
        assert text(capped, 0x00101010) == expected


def test_a_code_with_a_name_as_its_meaning_goes_where_diagnoses_go() -> None:
    code = [
        Element(0x00080100, "SH", "77431905"),
        Element(0x00080102, "SH", "99LOCAL"),
        Element(0x00080104, "LO", "Dr Zorblatt"),
    ]
    found = changed(Element(0x00081084, "SQ", [code]), Element(0x00321067, "SQ", [code]))
    assert b"Zorblatt" not in found.data


@pytest.mark.parametrize("charset", ["ISO_IR 192", "ISO 2022 IR 87", "\\ISO 2022 IR 149", "NONSENSE"])
def test_bytes_that_do_not_fit_the_character_set_go_all_the_same(charset: str) -> None:
    found = changed(
        Element(0x00080005, "CS", charset),
        Element(0x00100010, "PN", b"Zorbl\xe4tt\xff\xfe^Q "),
        Element(0x00081048, "PN", b"Zorbl\xe4tt\xff\xfe^Q "),
    )
    assert b"Zorbl" not in found.data


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00180050, "DS", "4.000000 "),
        (0x00180050, "DS", " 5 "),
        (0x00200013, "IS", " 7"),
        (0x00180060, "DS", "1.2e2"),
        (0x00180015, "CS", "Chest"),
    ],
)
def test_numbers_and_codes_written_carelessly_stay(tag: int, vr: str, value: str) -> None:
    found = changed(Element(tag, vr, value))
    assert found.elements[tag,].value.strip() == value.strip().encode()


@pytest.mark.parametrize(
    ("tag", "vr"), [(0x00180050, "DS"), (0x00200012, "IS"), (0x00181150, "IS"), (0x00101010, "AS")]
)
def test_text_where_a_number_belongs_goes(tag: int, vr: str) -> None:
    options = ("RetainPatientCharacteristics",) if vr == "AS" else ()
    written = product(bytes_of(Element(tag, vr, "Zorblatt")), *options)
    assert b"Zorblatt" not in written


@pytest.mark.parametrize("sop_class", [CT, ENHANCED_MR, COMPREHENSIVE_SR])
def test_text_in_any_number_that_is_not_required_goes(sop_class: str) -> None:
    texts: dict[str, Key] = {}
    elements = [_with_text(sop_class, element, (), texts) for element in filled(sop_class, 2).elements]
    found = Reading(product(file_of(elements), "RetainPatientCharacteristics"))
    assert len(texts) > 5
    for value, key in texts.items():
        assert value.encode() not in found.data, key
        if len(key) == 1 and types().type_of(sop_class, (), key[0]) in {"2", "2C"}:
            assert key in found.elements


def _with_text(sop_class: str, element: Element, at: Key, texts: dict[str, Key]) -> Element:
    """Return an element with text where a number or an age may be."""
    key = (*at, element.tag)
    if isinstance(element.value, list):
        items = list(enumerate(element.value))
        return replace(
            element, value=[[_with_text(sop_class, e, (*key, n), texts) for e in item] for n, item in items]
        )
    is_required = types().type_of(sop_class, key[:-1:2], element.tag) in {"1", "1C"}
    if element.vr not in {"DS", "IS", "AS"} or is_required or element.tag == 0x00280008:
        return element
    value = f"Zorblatt{len(texts):04d}"
    texts[value] = key
    return replace(element, value=value)


def test_geometry_that_is_no_number_refuses_the_file() -> None:
    data = file_of(
        [
            Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
            Element(0x00080018, "UI", "1.2.3"),
            Element(0x00200032, "DS", "0\\Zorblatt\\0"),
            Element(0x00280030, "DS", "1\\1"),
        ]
    )
    with pytest.raises(BadFileFormatError):
        product(data)


def test_an_object_of_no_class_is_refused() -> None:
    data = file_of([Element(0x00080016, "UI", "Zorblatt"), Element(0x00080018, "UI", "1.2.3")])
    with pytest.raises(BadFileFormatError):
        product(data)
