"""Values that hold several UIDs, up to the longest that a length of 16 bits can tell."""

from __future__ import annotations

import pytest

from dicomorph.dicom.engine.identity_editors import IdentityEditors, Writing
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.stream.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings
from tests.support.edits import KEY, plan

TAG = 0x00081155
ENCODINGS = [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE]


def edited(value: bytes, encoding: Encoding, vr: bytes) -> bytes:
    """Return the value that takes the place of another one."""
    text = CharacterSet.of("", default_encoding=Settings().default_encoding)
    editors = IdentityEditors(IdentityMapper(KEY), {}, encoder())
    written = vr if encoding.explicit else b""
    element = encoding.element(TAG, written, value)
    new = editors.editor(Writing(encoding, text, text), TAG, written, Namespace.INSTANCE)(element)
    size, length = encoding.length_field(b"UI" if vr == b"UN" else written)
    assert length.unpack_from(new, size - length.size) == (len(new) - size,)
    return new[size:]


def encoder() -> ValueEncoder:
    return plan({}).encoder


def originals(size: int) -> tuple[bytes, bytes]:
    """Return UIDs whose replacements have so many bytes together, and these; some are empty."""
    mapper, given, new = IdentityMapper(KEY), list[bytes](), list[bytes]()
    while (length := sum(map(len, new)) + len(new)) < size - 100:
        given += (b"1.2.%d" % number for number in range(len(given), len(given) + (size - length) // 50 + 1))
        new = [mapper.uid(Namespace.INSTANCE, one.decode()).encode() for one in given]
    padding = b"\\" * (size - len(b"\\".join(new)))
    return b"\\".join(given) + padding, b"\\".join(new) + padding


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("vr", [b"UI", b"UN"])
@pytest.mark.parametrize("size", [1000, 0xFFFD, 0xFFFE])
def test_as_many_uids_are_replaced_as_a_value_holds(size: int, vr: bytes, encoding: Encoding) -> None:
    value, expected = originals(size)
    assert len(expected) == size
    assert edited(value, encoding, vr) == expected + b"\0" * (size % 2)


@pytest.mark.parametrize("size", [0xFFFF, 0x10000, 0x18001])
def test_more_of_them_are_refused_unless_the_length_has_32_bits(size: int) -> None:
    value, expected = originals(size)
    assert len(value) < 0xFFFE
    for encoding, vr in ((EXPLICIT_LITTLE, b"UI"), (EXPLICIT_BIG, b"UI"), (EXPLICIT_LITTLE, b"UN")):
        with pytest.raises(BadFileFormatError, match="more UIDs"):
            edited(value, encoding, vr)
    for encoding, vr in ((IMPLICIT_LITTLE, b"UI"), (EXPLICIT_LITTLE, b"UT")):
        assert edited(value, encoding, vr).rstrip(b" \0") == expected
