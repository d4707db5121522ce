"""Data sets without file meta information: which transfer syntax they are taken for."""

from __future__ import annotations

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, rich
from tests.support.codestreams import BUNDLED
from tests.support.edits import anonymized, modified

NAME = Element(0x00100010, "PN", "Original^Name")


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_a_bare_data_set_keeps_the_encoding_it_is_in(syntax: str) -> None:
    output = anonymized(encode(rich(), syntax))
    assert read_file(output).syntax == syntax
    assert "Müller".encode("latin-1") not in output
    assert read_file(modified(encode(rich(), syntax))).tree[0x00100010].value == "Müller^Élodie ".encode(
        "latin-1"
    )


@pytest.mark.parametrize("first", [0x00080005, 0x00080016, 0x00080018, 0x00100010])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_its_first_element_may_be_any_of_the_usual_ones(first: int, syntax: str) -> None:
    vr = {0x00080005: "CS", 0x00100010: "PN"}.get(first, "UI")
    data = encode([Element(first, vr, "1.2.3"), Element(0x00200010, "SH", "ID")], syntax)
    assert read_file(modified(data)).syntax == syntax


def test_a_real_one_in_big_endian_is_read() -> None:
    data = (BUNDLED / "ExplVR_BigEndNoMeta.dcm").read_bytes()
    file = read_file(anonymized(data))
    assert file.syntax == BIG
    assert file.tree[0x00080016].value == read_file(data).tree[0x00080016].value


@pytest.mark.parametrize("group", [b"\x08\x08", b"\x00\x20", b"\x7f\xe0", b"\xff\x08"])
def test_other_beginnings_are_refused(group: bytes) -> None:
    with pytest.raises(BadFileFormatError, match="not a DICOM file"):
        modified(group + encode([NAME])[2:])
