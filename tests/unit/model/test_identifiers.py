"""Orthanc's identifiers: SHA-1 over normalised values (spec 1.2)."""

from __future__ import annotations

import hashlib

import pytest

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.identifiers import ancestry_of, orthanc_id
from dicomorph.model.resources import Ancestry
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10, rich_file, uid

NOBODY = "da39a3ee-5e6b4b0d-3255bfef-95601890-afd80709"


def file_with(patient_id: bytes | None, charset: str = "", syntax: str = EXPLICIT) -> bytes:
    elements = [
        Element(0x00080005, "CS", charset),
        Element(0x00080018, "UI", "1.2.3.4"),
        *([] if patient_id is None else [Element(0x00100020, "LO", patient_id)]),
        Element(0x0020000D, "UI", "1.2"),
        Element(0x0020000E, "UI", "1.2.3"),
    ]
    return part10(encode(elements, syntax), syntax)


def ids(data: bytes, default_encoding: str = "Latin1") -> Ancestry:
    return ancestry_of(describe(BufferSource(data), default_encoding=default_encoding).identifiers)


def digest(*values: str) -> str:
    text = hashlib.sha1("|".join(values).encode(), usedforsecurity=False).hexdigest()
    return "-".join((text[:8], text[8:16], text[16:24], text[24:32], text[32:]))


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_identifiers_are_digests_of_the_values(syntax: str) -> None:
    values = ("P2", uid(2, 3), uid(2, 3, 4), uid(2, 3, 4, 5))
    assert ids(rich_file(2, 3, 4, 5, syntax=syntax)) == Ancestry(
        *(digest(*values[:level]) for level in (1, 2, 3, 4))
    )


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        (b"A", "", "A"),
        (b"A ", "", "A"),
        (b"A   ", "", "A"),
        (b"A\0", "", "A"),
        (b" A", "", " A"),
        (b"a", "", "a"),
        (b"A\\B ", "", "A\\B"),
        (b"\xe9", "ISO_IR 100", "é"),
        (b"\xe9", "", "é"),
        ("é".encode(), "ISO_IR 192", "é"),
        (b"A\xff\xfeB", "ISO_IR 192", "AB"),
    ],
)
def test_patient_ids_are_decoded_and_their_padding_removed(raw: bytes, charset: str, text: str) -> None:
    assert ids(file_with(raw, charset)).patient == digest(text)


def test_the_default_encoding_decodes_files_without_character_set() -> None:
    assert ids(file_with("é".encode()), "Utf8").patient == digest("é")
    assert ids(file_with("é".encode()), "Latin1").patient != digest("é")


@pytest.mark.parametrize("raw", [None, b"", b"  ", b"\0\0"])
def test_nobody_is_a_patient_too(raw: bytes | None) -> None:
    assert ids(file_with(raw)).patient == orthanc_id("") == NOBODY


def test_a_file_has_the_identifiers_that_orthanc_gives_it() -> None:
    """The public sample file DummyCT, as Orthanc identifies it."""
    elements = [
        Element(0x00080018, "UI", "1.2.840.113619.2.176.2025.1499492.7040.1171286242.109"),
        Element(0x00100020, "LO", b"ozp00SjY2xG"),
        Element(0x0020000D, "UI", "1.2.840.113619.2.176.2025.1499492.7391.1171285944.390"),
        Element(0x0020000E, "UI", "1.2.840.113619.2.176.2025.1499492.7391.1171285944.394"),
    ]
    assert ids(part10(encode(elements, EXPLICIT), EXPLICIT)) == Ancestry(
        "6816cb19-844d5aee-85245eba-28e841e6-2414fae2",
        "b9c08539-26f93bde-c81ab0d7-bffaf2cb-a4d0bdd0",
        "f2635388-f01d497a-15f7c06b-ad7dba06-c4c599fe",
        "66a662ce-7430e543-bad44d47-0dc5a943-ec7a538d",
    )
