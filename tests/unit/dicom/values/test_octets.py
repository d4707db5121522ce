"""Replacement values that are data URIs: octets, pixel data, documents."""

from __future__ import annotations

import pytest

from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.errors import BadFileFormatError, NotImplementedYetError, ParameterOutOfRangeError
from tests.support.written_values import LATIN, TAG, UTF8, octets, written


def test_octets_are_stored_as_they_are_in_text_and_bytes() -> None:
    encoder = ValueEncoder()
    for name in ("PatientName", "TextValue", "EncapsulatedDocument", "WaveformData", "0012,9999"):
        raw = encoder.element(TAG(name), octets(b"H\xe9llo\x00"), EXPLICIT_LITTLE, UTF8)
        assert raw.endswith(b"H\xe9llo\x00")
    item = written("ReferencedImageSequence", [{"PatientName": octets(b"Hello")}]).value[0]
    assert item.PatientName == "Hello"


def test_pixel_data_is_written_as_words_from_octets_or_from_an_even_text() -> None:
    encoder = ValueEncoder()
    pixels = encoder.element(TAG("PixelData"), octets(b"\0\1\2"), EXPLICIT_LITTLE, LATIN)
    assert pixels[4:6] == b"OW"
    assert pixels.endswith(b"\0\1\2\0")
    assert encoder.element(TAG("PixelData"), "", EXPLICIT_LITTLE, LATIN).endswith(bytes(4))
    assert encoder.element(TAG("PixelData"), "abcd", EXPLICIT_LITTLE, LATIN).endswith(b"abcd")
    with pytest.raises(ParameterOutOfRangeError):
        encoder.check(TAG("PixelData"), "abc")


def test_documents_are_taken_as_pdf_models_or_octets() -> None:
    for uri in (octets(b"%PDF-1.7", "application/pdf"), octets(b"solid", "model/stl"), octets(b"abc")):
        ValueEncoder().check(TAG("EncapsulatedDocument"), uri)
    with pytest.raises(BadFileFormatError):
        ValueEncoder().check(TAG("EncapsulatedDocument"), octets(b"PDF", "application/pdf"))
    for name, mime_type in (
        ("EncapsulatedDocument", "text/plain"),
        ("PixelData", "image/png"),
        ("PixelData", "image/jpeg"),
    ):
        with pytest.raises(NotImplementedYetError):
            ValueEncoder().check(TAG(name), octets(b"abc", mime_type))
