"""What the file meta information repeats is a UID, or the file is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, SYNTAXES, Element, encode, part10
from tests.support.edits import anonymized, modified
from tests.support.small_files import CLASS, INSTANCE, small_file

GOOD = "1.2.840.10008.5.1.4.1.1.2"
BAD = [
    GOOD.encode() + b"\0DOE^JOHN",
    GOOD.encode() + b" DOE^JOHN ",
    b"DOE^JOHN",
    b"\0DOE ",
    b"1" * 66,
    b"1.2\\1.3 ",
    "1.2.é".encode(),
    b"1.2\n",
    b"1.2\t",
]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["UI", "UN"])
@pytest.mark.parametrize("value", BAD)
def test_a_sop_class_that_is_no_uid_is_refused(value: bytes, vr: str, syntax: str) -> None:
    data = small_file(Element(CLASS, vr, value + b"\0" * (len(value) % 2)), syntax=syntax)
    for edit in (anonymized, modified):
        with pytest.raises(BadFileFormatError) as caught:
            edit(data)
        assert "DOE" not in caught.value.details
    assert GOOD.encode() in read_file(modified(data, Replace={"SOPClassUID": GOOD})).meta[0x00020002]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("padding", [b"", b"\0", b" ", b"\0\0\0", b"  "])
def test_padding_and_absence_are_no_fault(padding: bytes, syntax: str) -> None:
    value = GOOD.encode() + padding
    for elements in ([Element(CLASS, "UI", value)], [Element(CLASS, "UI", b"")]):
        meta = read_file(anonymized(small_file(*elements, syntax=syntax))).meta[0x00020002]
        assert meta.strip(b"\0") in (GOOD.encode(), b"1.2.276.0.7230010.3.1.0.1")


@pytest.mark.parametrize("body", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("tail", ["\0DOE^JOHN", " DOE^JOHN", "DOE^JOHN", "." + "1" * 64])
def test_a_transfer_syntax_that_is_no_uid_is_refused(body: str, tail: str) -> None:
    elements = [Element(CLASS, "UI", GOOD), Element(0x00080018, "UI", "1.2.3")]
    data = part10(encode(elements, EXPLICIT), EXPLICIT)
    before, after = (
        encode([Element(0x00020010, "UI", EXPLICIT)]),
        encode([Element(0x00020010, "UI", body + tail)]),
    )
    assert before in data
    for edit in (anonymized, modified):
        with pytest.raises(BadFileFormatError) as caught:
            edit(data.replace(before, after))
        assert "DOE" not in caught.value.details


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("vr", ["UI", "UN", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT", "OB"])
@pytest.mark.parametrize("edit", [anonymized, modified])
def test_the_uid_of_the_product_is_repeated_whatever_its_vr(
    edit: Callable[[bytes], bytes], vr: str, syntax: str
) -> None:
    elements = Element(CLASS, vr, GOOD.encode() + b"\0"), Element(INSTANCE, vr, b"1.2.3\0")
    product = read_file(edit(small_file(*elements, syntax=syntax)))
    for tag, repeated in ((CLASS, 0x00020002), (INSTANCE, 0x00020003)):
        assert product.meta[repeated].strip(b" \0") == product.tree[tag].value.strip(b" \0")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [CLASS, INSTANCE])
@pytest.mark.parametrize("vr", ["SQ", "UN", "OB", "LO"])
def test_a_kept_uid_that_is_a_sequence_is_refused(vr: str, tag: int, syntax: str) -> None:
    item = Element(tag, "SQ", [[Element(0x00100010, "PN", "DOE^JOHN")]])
    whole = encode([item], syntax)
    value = whole[8 if syntax == IMPLICIT else 12 :]
    odd = item if vr == "SQ" else Element(tag, vr, value)
    keep: dict[str, Any] = {"Keep": ["SOPInstanceUID", "SOPClassUID"], "Force": True}
    for undefined in (False, True) if vr == "SQ" else (False,):
        data = small_file(replace(odd, undefined=undefined), syntax=syntax)
        with pytest.raises(BadFileFormatError):
            anonymized(data, **keep)
        with pytest.raises(BadFileFormatError):
            modified(data, **keep)
