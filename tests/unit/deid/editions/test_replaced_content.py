"""Items, documents and dependents that take the place of content, as elements that pydicom reads."""

from __future__ import annotations

import json
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset

from dicomorph.deid.documents import CLINICAL_DOCUMENT_ID, blank_document, mime_type_of
from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.editions import resolver_of
from dicomorph.deid.editions.options import Choice
from dicomorph.deid.editions.replaced_content import dependent_attributes, document_rule, dummy_items
from dicomorph.dicom.engine.edit_plan import REMOVE, Action, Dummy, DummyKind, Rule
from dicomorph.dicom.standard.dictionary import tag_of
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.values.encoder import ValueEncoder
from tests.support.written_values import ENCODINGS, LATIN

ROOT = Path(__file__).parents[4]
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KEY_OBJECTS, _PROCEDURE_LOG, _ENHANCED_SR = _STORAGE + "88.59", _STORAGE + "88.40", _STORAGE + "88.22"
_RADIATION_RECORD = _STORAGE + "481.17"
_PRIVATE_CLASS = "1.2.3.4"
_PDF, _CDA = _STORAGE + "104.1", _STORAGE + "104.2"
_OVERRIDE, _CONTRIBUTING = 0x30080060, 0x00189506
# Sequence, sequence around, SOP class; what PS3.3 requires in an item (Type 1 and 2, and 1C that apply).
_CASES = [
    ("00340001", (), _PRIVATE_CLASS, {"FlowIdentifier", "FlowTransferSyntaxUID", "FlowRTPSamplingRate"}),
    ("00080082", (_CONTRIBUTING,), _STORAGE + "2", {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}),
    ("00401101", (_CONTRIBUTING,), _STORAGE + "2", {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}),
    ("00081072", (_CONTRIBUTING,), _STORAGE + "2", {"PersonIdentificationCodeSequence", "InstitutionName"}),
    (
        "00081072",
        (0x300A0731, _OVERRIDE),
        _RADIATION_RECORD,
        {
            *("ObserverType", "PersonName", "InstitutionName", "InstitutionCodeSequence"),
            "PersonIdentificationCodeSequence",
        },
    ),
    (
        "3006004E",
        (0x30060080,),
        _STORAGE + "481.3",
        {
            *("ObserverType", "PersonName", "InstitutionName", "InstitutionCodeSequence"),
            "PersonIdentificationCodeSequence",
        },
    ),
    ("00081111", (), _STORAGE + "2.1", {"ReferencedSOPClassUID", "ReferencedSOPInstanceUID"}),
    (
        "0040A073",
        (),
        _ENHANCED_SR,
        {
            *("VerifyingOrganization", "VerificationDateTime", "VerifyingObserverName"),
            "VerifyingObserverIdentificationCodeSequence",
        },
    ),
    ("0040A730", (), _ENHANCED_SR, {"RelationshipType", "ValueType", "ConceptNameCodeSequence", "TextValue"}),
    ("0040A730", (), _KEY_OBJECTS, {"RelationshipType", "ValueType", "ConceptNameCodeSequence", "TextValue"}),
    ("0040A730", (), _PROCEDURE_LOG, {"RelationshipType", "ValueType", "TextValue", "ObservationDateTime"}),
    ("00700001", (), _PRIVATE_CLASS, {"GraphicLayer", "TextObjectSequence"}),
    ("0040B020", (), _STORAGE + "9.1.1", {"ReferencedWaveformChannels", "UnformattedTextValue"}),
]
_MAY_BE_EMPTY = {
    "InstitutionName",
    "InstitutionCodeSequence",
    "PersonIdentificationCodeSequence",
    "VerifyingObserverIdentificationCodeSequence",
}


def _written(tag: int, rule: Rule | None, encoding: Encoding) -> Any:
    assert rule is not None
    assert rule.dummy is not None
    assert (rule.action, rule.dummy.kind) == (Action.DUMMY, DummyKind.VALUE)
    raw = ValueEncoder().element(tag, rule.dummy.value, encoding, LATIN)
    return read_dataset(BytesIO(raw), not encoding.explicit, encoding.order == "<")[tag].value


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("tag", "path", "sop_class", "required"), _CASES)
def test_dummy_items_have_what_their_macro_requires(
    tag: str, path: tuple[int, ...], sop_class: str, required: set[str], encoding: Encoding
) -> None:
    found = _written(int(tag, 16), dummy_items(int(tag, 16), path, sop_class), encoding)
    assert len(found) == 1
    item: Dataset = found[0]
    assert required <= set(item.dir())
    assert not [e.keyword for e in item if e.is_empty and e.keyword not in _MAY_BE_EMPTY]


def test_every_dummy_that_is_written_has_a_case_here() -> None:
    table = resources.files("dicomorph.deid") / "tables" / "dummy_items_2026d.json"
    written = json.loads(table.read_text("ascii"))
    assert written.keys() == {tag for tag, *_ in _CASES}
    assert all(dummy_items(int(tag, 16), (), _PRIVATE_CLASS) for tag in written)
    assert dummy_items(0x00081140, (), _PRIVATE_CLASS) is None


def test_graphic_annotations_go_with_their_module() -> None:
    assert {dummy_items(0x00700001, (), f"{_STORAGE}11.{n}") for n in range(1, 13)} == {REMOVE}


def test_the_values_of_dummies_are_valid_codes_and_numbers() -> None:
    encoding = ENCODINGS[0]
    annotation = _written(0x0040B020, dummy_items(0x0040B020, (), ""), encoding)[0]
    assert list(annotation.ReferencedWaveformChannels) == [1, 0]
    flow = _written(0x00340001, dummy_items(0x00340001, (), ""), encoding)[0]
    assert (flow.FlowIdentifier, flow.FlowRTPSamplingRate) == (bytes(16), 0)
    graphic = _written(0x00700001, dummy_items(0x00700001, (), ""), encoding)[0]
    assert list(graphic.TextObjectSequence[0].AnchorPoint) == [0, 0]


@pytest.mark.parametrize("sop_class", [*(f"{_STORAGE}104.{n}" for n in range(1, 6)), _PRIVATE_CLASS, ""])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_document_has_its_length_and_its_type(sop_class: str, encoding: Encoding) -> None:
    document = _written(0x00420011, document_rule(0x00420011, (), sop_class), encoding)
    mime_type = mime_type_of(sop_class) or "application/octet-stream"
    assert document.rstrip(b"\0") == blank_document(mime_type).rstrip(b"\0")
    assert _written(0x00420015, document_rule(0x00420015, (), sop_class), encoding) == len(
        blank_document(mime_type)
    )
    assert document_rule(0x00420012, (), sop_class) == Rule(
        Action.DUMMY, dummy=Dummy(DummyKind.TERM, [mime_type])
    )


def test_a_clinical_document_is_the_instance_that_the_data_set_names() -> None:
    assert _written(0x0040E001, document_rule(0x0040E001, (), _CDA), ENCODINGS[0]) == CLINICAL_DOCUMENT_ID
    assert document_rule(0x0040E001, (), _PDF) is None
    root = ET.fromstring(blank_document("text/XML"))  # noqa: S314 - our own
    names = [child.tag.removeprefix("{urn:hl7-org:v3}") for child in root]
    assert root.tag == "{urn:hl7-org:v3}ClinicalDocument"
    assert names == [
        *("typeId", "id", "code", "effectiveTime", "confidentialityCode"),
        *("recordTarget", "author", "custodian", "component"),
    ]
    assert root[1].get("root") == CLINICAL_DOCUMENT_ID


def test_documents_in_items_are_nobodys() -> None:
    assert document_rule(0x00420011, (0x00081115,), _PDF) is None


def test_the_blank_pdf_has_its_objects_where_its_table_says() -> None:
    document = blank_document("application/pdf")
    start = int(document.split(b"startxref\n")[1].split(b"\n")[0])
    lines = document[start:].split(b"\n")
    assert lines[:2] == [b"xref", b"0 4"]
    rows = [document[start + 9 + 20 * n : start + 29 + 20 * n] for n in range(4)]
    assert rows[0] == b"0000000000 65535 f \n"
    for number, row in enumerate(rows[1:], 1):
        assert document[int(row[:10]) :].startswith(b"%d 0 obj\n" % number)
    assert document.endswith(b"%%EOF\n")


def test_the_blank_surface_counts_its_triangles() -> None:
    document = blank_document("model/stl")
    assert len(document) == 84 + 50 * int.from_bytes(document[80:84], "little")
    assert not document.startswith(b"solid")  # which would be STL in text


def test_an_unknown_type_gets_octets() -> None:
    assert blank_document("Jane Doe") == bytes(2)


def test_what_depends_on_others_is_never_one_of_those() -> None:
    dependents = dependent_attributes()
    assert dependents[0x00120081] == {0x00120082}
    assert not dependents.keys() & set().union(*dependents.values())


@pytest.mark.parametrize("name", ["dummy_items_2026d.json", "dependent_attributes.json"])
def test_the_page_on_replaced_content_names_all_of_it(name: str) -> None:
    table = resources.files("dicomorph.deid") / "tables" / name
    page = (ROOT / "docs" / "replaced-content.md").read_text("utf-8")
    assert not [
        row["keyword"] for row in json.loads(table.read_text("ascii")).values() if row["keyword"] not in page
    ]


@pytest.mark.parametrize("listed", [(), ("DeviceDiameter",), ("DeviceDiameterUnits", "DeviceDiameter")])
def test_units_go_with_what_they_are_of_unless_a_list_keeps_it(listed: tuple[str, ...]) -> None:
    tags = frozenset(tag for name in listed if (tag := tag_of(name)) is not None)
    resolver = resolver_of("2026d", Choice(allow_list=AllowList("some", tags)))
    path = resolver.place((0x00500010,), _STORAGE + "2")
    assert (resolver.resolve(0x00500017, path, _STORAGE + "2") == REMOVE) is ("DeviceDiameter" not in listed)


def test_a_template_keeps_the_resource_that_maps_it_under_any_list() -> None:
    resolver = resolver_of("2026d", Choice(allow_list=AllowList("none", frozenset())))
    template, code = (resolver.place((tag,), _ENHANCED_SR) for tag in (0x0040A504, 0x0040A043))
    assert resolver.resolve(0x00080105, template, _ENHANCED_SR) != REMOVE
    assert resolver.resolve(0x00080105, code, _ENHANCED_SR) == REMOVE
