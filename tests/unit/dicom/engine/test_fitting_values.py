"""Kept numbers, ages, codes and UIDs are such; what else stands there may name anybody, and goes."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomorph.dicom.engine import top_level
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, KEYED, NO_VALUE, REMOVE, Action, Rule
from dicomorph.dicom.engine.fitting_values import fits
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dummy_values import dummy_value
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import WindowedSource, edited
from tests.support.scopes import ruled
from tests.support.small_files import SEQUENCE, every, nested, small_file, tree_of, trees, value_of, values_of

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
    *((SIZE, "\\".join(["-1.25"] * 30 + [odd])) for odd in ("1970-01-01", "1.2.3.4.5", "- Smith", "+49-30")),
    *((AGE, value) for value in ("Jane", "75 years", "-75Y", "075YY", "19700101", "07.5Y", "075Y Smith")),
    *(
        (PART, value)
        for value in ("Jane Doe", "Dr. Smith", "Doe^Jane", "ABCDEFGHIJKLMNOPQ", "Smith", "chest smith")
    ),
    *((PART, value) for value in ("A^B", "CHEST\\Jane Doe", "é", "A@B", "\tA")),
    *((CLASS_UID, value) for value in ("1.2.Smith", "Jane", "1.2 3", "1." + "2" * 63, "1-2", "1.2\\Smith")),
]


def raw_of(tag: int, value: str) -> bytes:
    raw = value.encode("latin-1")
    return raw + (b"\0" if VRS[tag] == "UI" else b" ") * (len(raw) % 2)


def file_of(values: dict[int, str], syntax: str, vr: str = "") -> bytes:
    """Return a file with values at the top level and in items."""
    elements = [Element(tag, vr or VRS[tag], raw_of(tag, value)) for tag, value in sorted(values.items())]
    last = [element for element in elements if element.tag > SEQUENCE]
    first = [element for element in elements if element.tag < SEQUENCE]
    inner = nested(*elements, undefined=True)
    return small_file(*first, nested(*first, inner, *last), *last, syntax=syntax)


def data_set(data: bytes) -> bytes:
    return data[144 + int.from_bytes(data[140:144], "little") :]


def remarks(data: bytes, engine: object) -> frozenset[Remark]:
    return engine.rewrite(BufferSource(data)).remarks  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(("tag", "value"), FITTING)
def test_a_value_or_what_is_known_to_be_written_so_fits(tag: int, value: str) -> None:
    assert fits(VRS[tag].encode(), b"")(raw_of(tag, value))


@pytest.mark.parametrize(("tag", "value"), UNFIT)
def test_what_a_vr_cannot_hold_does_not_fit(tag: int, value: str) -> None:
    assert not fits(VRS[tag].encode(), b"")(raw_of(tag, value))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["", "UN", "LO"])
def test_what_fits_stays_byte_by_byte(vr: str, syntax: str) -> None:
    engine = ruled({}, unfitting={})
    by_tag = {tag: [value for of, value in FITTING if of == tag] for tag in VRS}
    for number in range(max(map(len, by_tag.values()))):
        values = {tag: found[number % len(found)] for tag, found in by_tag.items()}
        data = file_of(values, syntax, vr if syntax != IMPLICIT else "")
        for _ in range(2):  # and when it is remembered
            assert data_set(edited(data, engine)) == data_set(data)
        assert remarks(data, engine) == frozenset()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["", "UN", "OB"])
@pytest.mark.parametrize("rule", [REMOVE, NO_VALUE, DUMMY])
def test_what_its_vr_cannot_hold_goes_as_its_type_says_and_is_counted(
    rule: Rule, vr: str, syntax: str
) -> None:
    engine = ruled({}, unfitting=dict.fromkeys(VRS, rule))
    by_tag = {tag: [value for of, value in UNFIT if of == tag] for tag in VRS}
    for number in range(0, max(map(len, by_tag.values())), 4):
        values = {tag: found[number % len(found)] for tag, found in by_tag.items()}
        data = file_of(values, syntax, vr if syntax != IMPLICIT else "")
        for _ in range(2):
            output = edited(data, engine)
            found = trees(tree_of(output))
            for tag, right in VRS.items():
                nodes = [tree[tag] for tree in found if tag in tree]
                assert [node.vr for node in nodes] == [right] * (0 if rule == REMOVE else 3)
                constant = dummy_value(right.encode(), "<") if rule == DUMMY else b""
                assert all(node.value == constant for node in nodes)
            assert remarks(data, engine) == frozenset((Remark.UNFIT_VALUES,))
        assert edited(output, engine) == output


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_uid_that_is_none_becomes_one_where_the_rules_say_so(syntax: str) -> None:
    """But not as the SOP class: an object of none cannot be read."""
    rule = Rule(Action.MAP, Namespace.INSTANCE)
    engine = ruled({}, unfitting={CLASS_UID: rule, 0x00080016: rule})
    data = file_of({CLASS_UID: "1.2.Smith"}, syntax)
    assert all(value.startswith(b"2.25.") for value in values_of(edited(data, engine), CLASS_UID))
    with pytest.raises(BadFileFormatError):
        edited(small_file(Element(0x00080016, "UI", "1.2.Smith "), syntax=syntax), engine)


def test_numbers_in_place_of_text_stay_unless_they_spell_it() -> None:
    """Their VR is wrong, and says nothing of anybody."""
    engine = ruled({}, unfitting={})
    for vr, number in (("US", 7), ("UL", 70_000), ("FD", 2.0), ("FD", -0.3), ("FL", 12.5), ("SS", -1)):
        assert len(every(edited(small_file(Element(COUNT, vr, number)), engine), COUNT)) == 1
    for vr, text in (("FD", b"JaneDoe1"), ("UL", b"Jane"), ("US", b"Jane Doe"), ("FL", b"Ann\0")):
        assert every(edited(small_file(Element(COUNT, vr, text)), engine), COUNT) == []


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
    data = file_of({SIZE: "Jane Doe"}, EXPLICIT)
    assert b"Jane Doe" in edited(data, ruled({}))
    assert b"Jane Doe" in edited(data, ruled({}, unfitting={SIZE: KEEP}))


@settings(max_examples=25)
@given(
    values=st.tuples(
        *(st.sampled_from([value for of, value in FITTING + UNFIT if of == tag]) for tag in VRS)
    ),
    syntax=st.sampled_from(SYNTAXES),
    window=st.integers(12, 300),
    surplus=st.integers(0, 9),
)
def test_the_size_of_the_window_does_not_matter(
    values: tuple[str, ...], syntax: str, window: int, surplus: int
) -> None:
    engine = ruled({0x00100020: KEYED}, unfitting={SIZE: DUMMY, PART: NO_VALUE})
    data = file_of(dict(zip(VRS, values, strict=True)), syntax)
    source = WindowedSource(data, surplus)
    with mock.patch.object(windows, "WINDOW", window):
        first, again = (engine.rewrite(source) for _ in range(2))
    assert first.join(source) == again.join(source) == edited(data, engine)
    assert first.remarks == again.remarks == remarks(data, engine)


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


@settings(max_examples=25)
@given(st.lists(NUMBER, min_size=1, max_size=40))
def test_decimal_numbers_fit_in_any_number(numbers: list[str]) -> None:
    assert fits(b"DS", b"DS")("\\".join(numbers).encode())


@settings(max_examples=25)
@given(
    numbers=st.lists(NUMBER, max_size=40),
    odd=st.text(
        st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="0123456789.+-eE\\\x85\xa0")
    ),
    at=st.integers(0, 40),
)
def test_no_text_among_numbers_fits(numbers: list[str], odd: str, at: int) -> None:
    values = [*numbers[:at], f"x{odd}", *numbers[at:]]
    assert not fits(b"DS", b"DS")("\\".join(values).encode("latin-1"))


@pytest.mark.parametrize("vr", [b"AS", b"CS", b"DS", b"IS", b"UI"])
@pytest.mark.parametrize(
    "unit", [b"1", b" ", b"\\", b"1\\", b" 1 \\", b"A", b"A ", b"1.", b"-", b"e1", b"Abdomen ", b"\0"]
)
def test_a_look_takes_time_in_proportion_to_the_length(vr: bytes, unit: bytes) -> None:
    """A regular expression that goes back would take minutes for these."""
    fits(vr, b"")(unit * 30_000 + b"!")
    fits(vr, b"")(unit * 30_000)
