"""Documents embedded by a data URI, and the attributes that come with them (spec 3.4)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.compat.data_sets import File, read_file
from tests.dicom_factory import (
    BIG,
    CT_IMAGE_STORAGE,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    Element,
    encode,
    part10,
)
from tests.support.edits import anonymized, modified

SOP_CLASS, MODALITY, CONVERSION, DOCUMENT, MIME_TYPE = (
    0x00080016,
    0x00080060,
    0x00080064,
    0x00420011,
    0x00420012,
)
PDF, PDF_STORAGE = b"%PDF-1.7", b"1.2.840.10008.5.1.4.1.1.104.1\0"
BARE = [Element(0x00080018, "UI", "1.2.3")]
IMAGE = [
    Element(SOP_CLASS, "UI", CT_IMAGE_STORAGE),
    *BARE,
    Element(MODALITY, "CS", "CT"),
    Element(MIME_TYPE, "LO", "text/old"),
]


def uri(content: bytes, mime_type: str) -> str:
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def embedded(
    elements: list[Element], content: bytes, mime_type: str, *, syntax: str = EXPLICIT, **body: Any
) -> File:
    replace = {"EncapsulatedDocument": uri(content, mime_type), **body.pop("Replace", {})}
    return read_file(modified(part10(encode(elements, syntax), syntax), Replace=replace, **body))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize(
    ("mime_type", "content", "sop_class", "modality"),
    [
        ("application/pdf", PDF, PDF_STORAGE, b"OT"),
        ("model/stl", b"solid x ", b"1.2.840.10008.5.1.4.1.1.104.3\0", b"M3D "),
        ("model/obj", b"v 0 0 0 ", b"1.2.840.10008.5.1.4.1.1.104.4\0", b"M3D "),
        ("model/mtl", b"newmtl a", b"1.2.840.10008.5.1.4.1.1.104.5\0", b"M3D "),
    ],
)
def test_a_file_gets_what_it_lacks(
    syntax: str, mime_type: str, content: bytes, sop_class: bytes, modality: bytes
) -> None:
    file = embedded(BARE, content, mime_type, syntax=syntax)
    tree = file.tree
    assert tree[DOCUMENT].value == content
    assert tree[MIME_TYPE].value.decode().rstrip() == mime_type
    assert (tree[SOP_CLASS].value, tree[MODALITY].value) == (sop_class, modality)
    assert tree[CONVERSION].value == b"WSD "
    assert file.meta[0x00020002] == sop_class.rstrip(b"\0")


def test_what_a_file_has_stays_but_the_mime_type_is_that_of_the_document() -> None:
    tree = embedded(IMAGE, PDF, "application/pdf").tree
    assert tree[SOP_CLASS].value.decode().rstrip("\0") == CT_IMAGE_STORAGE
    assert tree[MODALITY].value == b"CT"
    assert tree[CONVERSION].value == b"WSD "
    assert tree[MIME_TYPE].value == b"application/pdf "


def test_what_the_request_removes_is_lacking_when_the_document_comes() -> None:
    removed = ["Modality", "SOPClassUID", "MIMETypeOfEncapsulatedDocument"]
    file = embedded(IMAGE, PDF, "application/pdf", Remove=removed)
    assert file.tree[MODALITY].value == b"OT"
    assert file.tree[SOP_CLASS].value == PDF_STORAGE
    assert file.meta[0x00020002] == PDF_STORAGE.rstrip(b"\0")
    assert file.tree[MIME_TYPE].value == b"application/pdf "


def test_what_the_request_names_wins() -> None:
    named = {"Modality": "DOC", "ConversionType": "SYN", "MIMETypeOfEncapsulatedDocument": "application/x"}
    for elements in (BARE, IMAGE):
        tree = embedded(elements, PDF, "application/pdf", Replace=named).tree
        assert [tree[tag].value for tag in (MODALITY, CONVERSION)] == [b"DOC ", b"SYN "]
        assert tree[MIME_TYPE].value == b"application/x "


def test_octets_and_text_come_alone() -> None:
    for value in (uri(PDF, "application/octet-stream"), "%PDF-1.7"):
        tree = read_file(modified(part10(encode(BARE)), Replace={"EncapsulatedDocument": value})).tree
        assert tree[DOCUMENT].value == PDF
        assert not {SOP_CLASS, MODALITY, CONVERSION, MIME_TYPE} & tree.keys()


def test_a_document_survives_the_anonymization_that_brings_it() -> None:
    tree = read_file(
        anonymized(part10(encode(IMAGE)), Replace={"EncapsulatedDocument": uri(PDF, "application/pdf")})
    ).tree
    assert (tree[DOCUMENT].value, tree[MIME_TYPE].value) == (PDF, b"application/pdf ")


LENGTH, SEQUENCE = 0x00420015, 0x00081250
OLD = [Element(DOCUMENT, "OB", PDF), Element(LENGTH, "UL", len(PDF))]


def lengths(data: bytes) -> list[tuple[bytes | None, bytes | None]]:
    """Return document and length, at the top level and in an item."""
    tree = read_file(data).tree
    item = (tree[SEQUENCE].items or [])[0]
    return [
        (each[DOCUMENT].value if DOCUMENT in each else None, each[LENGTH].value if LENGTH in each else None)
        for each in (tree, item)
    ]


def with_document(syntax: str, **options: bool) -> bytes:
    item = [*OLD, Element(0x00420010, "ST", "title")]
    elements = [*BARE, Element(SEQUENCE, "SQ", [sorted(item, key=lambda e: e.tag)], **options), *OLD]
    return part10(encode(elements, syntax), syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("undefined", [False, True])
def test_the_length_of_a_document_that_changes_goes(syntax: str, undefined: bool) -> None:  # noqa: FBT001
    data = with_document(syntax, undefined=undefined)
    kept = (PDF, encode(OLD[1:], BIG if syntax == BIG else EXPLICIT)[8:])
    assert lengths(anonymized(data)) == [(b"", None), (None, None)]
    assert lengths(anonymized(data, DicomVersion="2021b")) == [kept, kept]
    assert lengths(anonymized(data, Keep=["EncapsulatedDocument"])) == [kept, kept]
    assert lengths(anonymized(data, Keep=["0008,1250"])) == [(b"", None), kept]
    assert lengths(modified(data)) == [kept, kept]
    assert lengths(modified(data, Remove=["EncapsulatedDocument"])) == [(None, None), kept]
    assert lengths(modified(data, Remove=["0008,1250[*].EncapsulatedDocument"])) == [kept, (None, None)]
    new = uri(PDF + b"12", "application/pdf")
    for edit in (anonymized, modified):
        (document, length), _ = lengths(edit(data, Replace={"EncapsulatedDocument": new}))
        assert (document, length) == (PDF + b"12", None)
    replaced = modified(data, Replace={"0008,1250[*].EncapsulatedDocument": new})
    assert lengths(replaced) == [kept, (PDF + b"12", None)]


def test_a_length_that_the_request_speaks_of_is_what_it_says() -> None:
    data = with_document(EXPLICIT)
    new = {"EncapsulatedDocument": uri(PDF, "application/pdf"), "EncapsulatedDocumentLength": "7"}
    assert lengths(modified(data, Replace=new))[0] == (PDF, b"\7\0\0\0")
    paths = {f"0008,1250[*].{name}": value for name, value in new.items()}
    assert lengths(modified(data, Replace=paths))[1] == (PDF, b"\7\0\0\0")
    kept = anonymized(data, Keep=["EncapsulatedDocumentLength"])
    assert lengths(kept)[0] == (b"", b"\x08\0\0\0")
