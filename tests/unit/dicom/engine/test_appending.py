"""Marks are added to those that a file has, as often as it is anonymized, and each of them once."""

from __future__ import annotations

import pytest

from dicomorph.dicom.engine.edit_plan import APPEND, REMOVE
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, Items
from tests.support.edits import edited
from tests.support.scopes import ruled
from tests.support.small_files import NAME, SEQUENCE, nested, small_file, tree_of, value_of, values_of

METHOD, CODES, DATES = 0x00120063, 0x00120064, 0x00280303
SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
OURS: list[Json] = [
    {"CodeValue": "113100", "CodingSchemeDesignator": "DCM", "CodeMeaning": "Basic"},
    {"CodeValue": "113111", "CodingSchemeDesignator": "DCM", "CodeMeaning": "Safe"},
]


def adding(values: dict[int, Json]) -> Rewriter:
    rules = dict.fromkeys(values, APPEND)
    return ruled({**rules, NAME: REMOVE}, in_items={NAME: REMOVE}, appended=values)


def code(value: str, scheme: str = "DCM", *more: Element) -> list[Element]:
    return [Element(0x00080100, "SH", value), Element(0x00080102, "SH", scheme), *more]


def codes(data: bytes) -> list[str]:
    items = tree_of(data)[CODES].items or []
    return [item[0x00080100].value.decode().strip() for item in items]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (None, b"Ours"),
        ("", b"Ours"),
        ("  ", b"Ours"),
        ("Theirs", b"Theirs\\Ours"),
        ("Theirs\\More ", b"Theirs\\More\\Ours"),
        ("Ours", b"Ours"),
        ("Theirs\\Ours ", b"Theirs\\Ours"),
        ("Ours and more", b"Ours and more\\Ours"),
    ],
)
def test_text_is_added_unless_it_is_there(syntax: str, existing: str | None, expected: bytes) -> None:
    engine = adding({METHOD: "Ours"})
    for vr in ("LO", "UN", "LT"):
        old = [] if existing is None else [Element(METHOD, vr, existing)]
        once = edited(small_file(*old, syntax=syntax), engine)
        assert value_of(once, METHOD) == expected
        assert tree_of(once)[METHOD].vr == "LO"
        assert edited(once, engine) == once


def test_each_of_several_values_is_added_once() -> None:
    output = edited(small_file(Element(METHOD, "LO", "B\\C")), adding({METHOD: "A\\B\\D"}))
    assert value_of(output, METHOD) == b"B\\C\\A\\D"


def test_text_in_the_character_set_of_the_file_is_compared_as_text() -> None:
    for term, codec in (("ISO_IR 100", "latin-1"), ("ISO_IR 192", "utf-8")):
        old = Element(METHOD, "LO", "Größe x".encode(codec) + b" " * (len("Größe x".encode(codec)) % 2))
        charset = Element(0x00080005, "CS", term)
        for ours, expected in (("Größe x", "Größe x"), ("Länge", "Größe x\\Länge")):
            output = edited(small_file(charset, old), adding({METHOD: ours}))
            assert value_of(output, METHOD) == expected.encode(codec)


@pytest.mark.parametrize("odd", [Element(METHOD, "SQ", [[]]), Element(METHOD, "UT", "long text " * 7000)])
def test_what_is_no_value_gives_way(odd: Element) -> None:
    output = edited(small_file(odd), adding({METHOD: "Ours"}))
    assert (tree_of(output)[METHOD].vr, value_of(output, METHOD)) == ("LO", b"Ours")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (None, ["113100", "113111"]),
        ([], ["113100", "113111"]),
        ([[]], ["", "113100", "113111"]),
        ([code("1", "L")], ["1", "113100", "113111"]),
        ([code("113111"), code("2", "L")], ["113111", "2", "113100"]),
        ([code("113111 ", "DCM "), code("113100", "DCM")], ["113111", "113100"]),
        ([code("113100", "99X")], ["113100", "113100", "113111"]),
    ],
)
def test_items_are_added_unless_their_code_is_there(
    syntax: str,
    unknown: bool,  # noqa: FBT001
    undefined: bool,  # noqa: FBT001
    existing: Items | None,
    expected: list[str],
) -> None:
    engine = adding({CODES: OURS})
    old = [] if existing is None else [Element(CODES, "SQ", existing, undefined=undefined, unknown=unknown)]
    once = edited(small_file(*old, syntax=syntax), engine)
    found = [
        item[0x00080100].value.decode().strip() if item else "" for item in tree_of(once)[CODES].items or []
    ]
    assert found == expected
    assert edited(once, engine) == once


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("unknown", [False, True])
def test_the_rules_hold_in_the_items_that_stay(syntax: str, unknown: bool) -> None:  # noqa: FBT001
    named = code("1", "L", Element(NAME, "PN", "Secret^Name"))
    output = edited(
        small_file(Element(CODES, "SQ", [named], unknown=unknown), syntax=syntax), adding({CODES: OURS})
    )
    assert b"Secret" not in output
    assert codes(output) == ["1", "113100", "113111"]


def test_what_should_be_a_sequence_and_is_none_gives_way_or_is_refused() -> None:
    engine = adding({CODES: OURS})
    for vr in ("LO", "UN", "OB"):
        output = edited(small_file(Element(CODES, vr, "no items of anything")), engine)
        assert codes(output) == ["113100", "113111"]
    with pytest.raises(BadFileFormatError):
        edited(small_file(Element(CODES, "SQ", b"no items of anything")), engine)


def test_in_items_nothing_is_added() -> None:
    inside = [Element(METHOD, "LO", "Theirs"), Element(CODES, "SQ", [code("1", "L")])]
    output = edited(small_file(nested(*inside)), adding({METHOD: "Ours", CODES: OURS}))
    assert sorted(values_of(output, METHOD)) == [b"Ours", b"Theirs"]
    assert codes(output) == ["113100", "113111"]
    (item,) = tree_of(output)[SEQUENCE].items or []
    (theirs,) = item[CODES].items or []
    assert theirs[0x00080100].value.strip() == b"1"


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("existing", "ours", "expected"),
    [
        (None, "REMOVED", b"REMOVED"),
        ("", "UNMODIFIED", b"UNMODIFIED"),
        ("UNMODIFIED", "REMOVED", b"REMOVED"),
        ("UNMODIFIED", "MODIFIED", b"MODIFIED"),
        ("REMOVED", "UNMODIFIED", b"REMOVED"),
        ("MODIFIED", "UNMODIFIED", b"MODIFIED"),
        ("MODIFIED", "REMOVED", b"REMOVED"),
        ("Dr Smith", "UNMODIFIED", b"UNMODIFIED"),
    ],
)
def test_dates_that_were_changed_are_never_said_to_be_unmodified(
    syntax: str, existing: str | None, ours: str, expected: bytes
) -> None:
    old = [] if existing is None else [Element(DATES, "CS", existing)]
    output = edited(small_file(*old, syntax=syntax), adding({DATES: ours}))
    assert value_of(output, DATES) == expected
