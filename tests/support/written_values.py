"""Replacement values as they are written, and read back by pydicom."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag

LATIN = CharacterSet.of("ISO_IR 100", default_encoding="Ascii")
UTF8 = CharacterSet.of("ISO_IR 192", default_encoding="Ascii")
DECLARED = (
    PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),
    PrivateTag(0x04071001, "US", "Count", "OCT"),
    PrivateTag(0x04071005, "SQ", "Cubes", "OCT"),
    PrivateTag(0x00090010, "LO", "Private data element", "Lunit"),
)
ENCODINGS = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG]
NAMES = TagNames(DECLARED)
TAG = NAMES.tag


def octets(raw: bytes, mime_type: str = "application/octet-stream") -> str:
    """Return bytes as a data URI."""
    return f"data:{mime_type};base64,{base64.b64encode(raw).decode()}"


def read(raw: bytes, encoding: Encoding = EXPLICIT_LITTLE) -> Dataset:
    """Return what pydicom makes of encoded elements, their values decoded."""
    dataset = read_dataset(BytesIO(raw), not encoding.explicit, encoding.order == "<")
    dataset.decode()
    return dataset


def written(name: str, value: Json, encoding: Encoding = EXPLICIT_LITTLE, encoder: Any = None) -> Any:
    """Return the element that a replacement becomes, read back."""
    element = (encoder or ValueEncoder(DECLARED)).element(TAG(name), value, encoding, LATIN)
    assert len(element) % 2 == 0
    return read(element, encoding)[TAG(name)]


def nested(depth: int) -> Json:
    """Return a sequence that many items deep."""
    value: Json = []
    for _ in range(depth):
        value = [{"ReferencedImageSequence": value}]
    return value
