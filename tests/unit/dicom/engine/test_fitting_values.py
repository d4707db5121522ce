"""Kept numbers, ages, codes and UIDs are such; what else stands there may name anybody, and goes."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomorph.dicom.engine import top_level
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, NO_VALUE, REMOVE, Action, Rule
from dicomorph.dicom.engine.fitting_values import FITS
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dummy_values import dummy_value
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import WindowedSource, edited
from tests.support.scopes import ruled
from tests.support.small_files import every, nested, small_file, value_of, values_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
COUNT, SIZE, AGE, PART, CLASS_UID, POSITION = (
    0x00200013,
    0x00101020,
    0x00101010,
    0x00180015,
    0x00080062,
    0x00200032,
)
VRS = {COUNT: "IS", SIZE: "DS", AGE: "AS", PART: "CS", CLASS_UID: "UI"}
FITTING = [
    *(
        (COUNT, value)
        for value in ("1", "-1", "+12", " 7", "4.000000", "1\\2", "1\\\\2", "", " ", "12345678901234")
    ),
    *(
        (SIZE, value)
        for value in ("1.5", "-.5", "1.", "1e-5", "1E+10 ", "0.1\\0.2", "1.23456789012345678901")
    ),
    *((SIZE, "\\".join(["-1.25", "0", "17.5"] * size)) for size in (10, 1000)),
    *((SIZE, "\\".join(["-1.25E-3", "0 ", "+17.5"] * size)) for size in (10, 100)),
    *((AGE, value) for value in ("075Y", "75Y", "075y", "75", "010M", "", "1200D")),
    *(
        (PART, value)
        for value in ("CHEST", "ORIGINAL\\PRIMARY\\AXIAL", "CT_SOM5 SPI", "T-SPINE", "M/FFE", "A B")
    ),
    *(
        (PART, value)
        for value in ("Abdomen", "head", "Whole body", "m", "Chest/Abdomen", "DERIVED\\Axial\\", "1")
    ),
    *((CLASS_UID, value) for value in ("1.2.840.10008.5.1.4.1.1.2", "1.2\\1.3", "", "1.2.826.0.1")),
]
UNFIT = [
    *(
        (COUNT, value)
        for value in ("seven", "1 Smith", "1970-01-01", "555-1234", "1\\Smith", "--1", "1.2.3", "nan")
    ),
    *(
        (SIZE, value)
        for value in ("Jane", "1,5", "1.5m", "0x10", "1_000", "inf", "1e", "e5", "-", ".", "\x001")
    ),
    *((SIZE, "\\".join(["-1.25"] * size + ["Smith"] + ["1"] * size)) for size in (1, 10, 1000)),
    *((SIZE, "\\".join(["-1.25"] * 100 + [odd])) for odd in ("1970-01-01", "1.2.3.4.5", "- Smith", "+49-30")),
    *((AGE, value) for value in ("Jane", "75 years", "-75Y", "075YY", "19700101", "07.5Y", "075Y Smith")),
    *(
        (PART, value)
        for value in ("Jane Doe", "Dr. Smith", "Doe^Jane", "ABCDEFGHIJKLMNOPQ", "Smith", "chest smith")
    ),
    *((PART, value) for value in ("A^B", "CHEST\\Jane Doe", "é", "A@B", "\tA")),
    *((CLASS_UID, value) for value in ("1.2.Smith", "Jane", "1.2 3", "1." + "2" * 63, "1-2", "1.2\\Smith")),
]


def file_with(tag: int, value: str, syntax: str, vr: str = "", *, depth: int = 0) -> bytes:
    raw = value.encode("latin-1")
    raw += (b"\0" if VRS[tag] == "UI" else b" ") * (len(raw) % 2)
    if len(raw) > 0xFFFE and syntax != IMPLICIT:
        vr = "UN"  # PS3.5 6.2.2
    element = Element(tag, vr or VRS[tag], raw)
    return small_file(nested(element, depth=depth) if depth else element, syntax=syntax)


def data_set(data: bytes) -> bytes:
    return data[144 + int.from_bytes(data[140:144], "little") :]


def remarks(data: bytes, engine: object) -> frozenset[Remark]:
    return engine.rewrite(BufferSource(data)).remarks  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_a_value_or_known_to_be_written_so_stays_byte_by_byte(syntax: str) -> None:
    engine = ruled({}, unfitting={})
    for tag, value in FITTING:
        for vr in ("", "UN", "LO") if syntax != IMPLICIT else ("",):
            for depth in (0, 1, 2):
                data = file_with(tag, value, syntax, vr, depth=depth)
                for _ in range(2):  # and when it is remembered
                    output = edited(data, engine)
                    assert data_set(output) == data_set(data), (tag, value)
                assert remarks(data, engine) == frozenset()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("rule", [REMOVE, NO_VALUE, DUMMY])
def test_what_its_vr_cannot_hold_goes_as_its_type_says_and_is_counted(rule: Rule, syntax: str) -> None:
    engine = ruled({}, unfitting=dict.fromkeys(VRS, rule))
    for tag, value in UNFIT:
        for vr in ("", "UN", "LO", "OB") if syntax != IMPLICIT else ("",):
            for depth in (0, 1, 2):
                data = file_with(tag, value, syntax, vr, depth=depth)
                for _ in range(2):
                    output = edited(data, engine)
                    nodes = every(output, tag)
                    assert [node.vr for node in nodes] == [VRS[tag]] * (rule != REMOVE)
                    expected = {DUMMY: dummy_value(VRS[tag].encode(), "<"), NO_VALUE: b""}
                    assert all(node.value == expected[rule] for node in nodes), (value, vr)
                assert remarks(data, engine) == frozenset((Remark.UNFIT_VALUES,))
                assert edited(output, engine) == output


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_uid_that_is_none_becomes_one_where_the_rules_say_so(syntax: str, depth: int) -> None:
    """As the SOP class, too, which the file meta information repeats."""
    rule = Rule(Action.MAP, Namespace.INSTANCE)
    engine = ruled({}, unfitting={CLASS_UID: rule, 0x00080016: rule})
    data = file_with(CLASS_UID, "1.2.Smith", syntax, depth=depth)
    assert values_of(edited(data, engine), CLASS_UID)[0].startswith(b"2.25.")
    output = edited(small_file(Element(0x00080016, "UI", "1.2.Smith "), syntax=syntax), engine)
    assert b"Smith" not in output
    assert value_of(output, 0x00080016).startswith(b"2.25.")
    assert output.count(value_of(output, 0x00080016)) == 2


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_geometry_is_never_made_up(syntax: str, depth: int) -> None:
    inner = Element(POSITION, "DS", "1\\2\\Jane")
    data = small_file(nested(inner) if depth else inner, syntax=syntax)
    with pytest.raises(BadFileFormatError, match="geometry") as caught:
        edited(data, ruled({}, unfitting={POSITION: DUMMY}))
    assert "Jane" not in str(caught.value.__dict__) + str(caught.value)
    for rule in (REMOVE, NO_VALUE):  # of an optional one, nothing needs to be made up
        assert b"Jane" not in edited(data, ruled({}, unfitting={POSITION: rule}))


def test_what_describes_the_pixels_is_looked_at_and_still_describes_them() -> None:
    image = [
        *(Element(0x00280002, "US", 1), Element(0x00280008, "IS", "2 "), Element(0x00280010, "US", 4)),
        *(Element(0x00280011, "US", 4), Element(0x00280100, "US", 8)),
    ]
    engine = ruled({}, unfitting={0x00280004: NO_VALUE})
    for colours, expected in (("MONOCHROME2", b"MONOCHROME2"), ("Jane Doe", b"")):
        photometric = Element(0x00280004, "CS", colours)
        data = small_file(*image, photometric, Element(0x7FE00010, "OW", bytes(range(1, 33)) + b"Jane Doe"))
        output = edited(data, engine)
        assert value_of(output, 0x00280004) == expected
        assert b"Jane" not in output
        assert bytes(range(1, 33)) in output


def test_what_is_kept_without_a_look_stays() -> None:
    data = file_with(SIZE, "Jane Doe", EXPLICIT)
    assert b"Jane Doe" in edited(data, ruled({}))
    assert b"Jane Doe" in edited(data, ruled({}, unfitting={SIZE: KEEP}))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_private_value_is_held_against_the_vr_that_the_file_gives(syntax: str) -> None:
    private = [Element(0x00090010, "LO", "CREATOR"), Element(0x00091001, "DS", "Jane Doe")]
    output = edited(small_file(*private, nested(*private), syntax=syntax), ruled({}, unfitting={}))
    assert (b"Jane" in output) is (syntax == IMPLICIT)  # which gives none


def test_a_value_that_is_longer_than_any_goes_unread() -> None:
    value = b"1\\" * 5000
    engine = ruled({}, unfitting={})
    with mock.patch.object(top_level, "_LONGEST_READ", 5000):
        for element in (Element(SIZE, "DS", value), Element(SIZE, "UN", value)):
            source = WindowedSource(small_file(element))
            output = engine.rewrite(source).join(source)
            assert every(output, SIZE) == []
    assert value in edited(small_file(Element(SIZE, "DS", value)), engine)


NUMBER = st.one_of(st.integers(-(10**9), 10**9).map(str), st.decimals(-1000, 1000, places=3).map(str))


@settings(max_examples=50)
@given(st.lists(NUMBER, min_size=1, max_size=40))
def test_decimal_numbers_fit_in_any_number(numbers: list[str]) -> None:
    assert FITS[b"DS"]("\\".join(numbers).encode())


@settings(max_examples=50)
@given(
    numbers=st.lists(NUMBER, max_size=40),
    odd=st.text(
        st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="0123456789.+-eE\\\x85\xa0")
    ),
    at=st.integers(0, 40),
)
def test_no_text_among_numbers_fits(numbers: list[str], odd: str, at: int) -> None:
    values = [*numbers[:at], f"x{odd}", *numbers[at:]]
    assert not FITS[b"DS"]("\\".join(values).encode("latin-1"))


@pytest.mark.parametrize("vr", [b"AS", b"CS", b"DS", b"IS", b"UI"])
@pytest.mark.parametrize(
    "unit", [b"1", b" ", b"\\", b"1\\", b" 1 \\", b"A", b"A ", b"1.", b"-", b"e1", b"Abdomen ", b"\0"]
)
def test_a_look_takes_time_in_proportion_to_the_length(vr: bytes, unit: bytes) -> None:
    """A regular expression that goes back would take minutes for these."""
    FITS[vr](unit * 30_000 + b"!")
    FITS[vr](unit * 30_000)
