"""Terms of SpecificCharacterSet that nobody knows may say anything: none leaves with an anonymized file."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.dicom.text.terms import defined_term
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, edited, modified, rewriter
from tests.support.small_files import NAMED, SEQUENCE, every, nested, small_file, tree_of

SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
CHARSET, MAKER = 0x00080005, 0x00080070
LEAK = "ISO_IR DOE"
# At the top level, in items, and in items of items.
DEPTHS = [0, 1, 3]


def file_with(*elements: Element, depth: int, syntax: str = EXPLICIT, undefined: bool = False) -> bytes:
    place = [nested(*elements, depth=depth, undefined=undefined)] if depth else elements
    return small_file(*place, syntax=syntax)


def charset(term: str, *, unknown: bool = False) -> Element:
    raw = term.encode()  # as bytes: whatever it is, nothing else is encoded by it
    return Element(CHARSET, "CS", raw + b" " * (len(raw) % 2), unknown=unknown)


def terms_in(data: bytes) -> list[str]:
    return [node.value.decode().strip() for node in every(data, CHARSET)]


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("written", "left"),
    [
        (LEAK, []),
        ("DOE^JOHN", []),
        ("ISO_IR 100\0DOE", []),
        (f"ISO_IR 100\\{LEAK}", ["ISO_IR 100"]),
        (f"{LEAK}\\ISO 2022 IR 87", ["\\ISO 2022 IR 87"]),
        ("ISO_IR 999", []),
    ],
)
def test_unknown_terms_go_where_no_text_needs_them(
    written: str,
    left: list[str],
    syntax: str,
    depth: int,
    undefined: bool,  # noqa: FBT001
    unknown: bool,  # noqa: FBT001
) -> None:
    elements = [charset(written, unknown=unknown), Element(MAKER, "LO", "Maker"), NAMED]
    kept = [element for element in elements if depth or element is not NAMED]
    data = file_with(*kept, depth=depth, syntax=syntax, undefined=undefined)
    output = anonymized(data)
    assert terms_in(output) == left
    assert b"DOE" not in output
    assert [node.value for node in every(output, MAKER)] == [b"Maker "]
    if "\0" not in written:  # which pydicom cannot read
        assert terms_in(modified(data)) == terms_in(data), "a modification leaves them"


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_whose_text_needs_an_unknown_term_is_refused(syntax: str, depth: int) -> None:
    elements = [charset(LEAK), Element(MAKER, "LO", b"M\xe9")]
    data = file_with(*elements, depth=depth, syntax=syntax)
    with pytest.raises(BadFileFormatError):
        anonymized(data)
    assert terms_in(anonymized(data, Remove=["Manufacturer"])) == [], "what is removed needs none"
    below = file_with(elements[0], nested(elements[1]), depth=depth, syntax=syntax)
    with pytest.raises(BadFileFormatError):
        anonymized(below)
    own = nested(charset("ISO_IR 100"), elements[1])
    assert terms_in(anonymized(file_with(elements[0], own, depth=depth, syntax=syntax))) == ["ISO_IR 100"]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("ISO-IR 100", "ISO_IR 100"),
        ("ISO IR 100", "ISO_IR 100"),
        ("ISO_IR_100", "ISO_IR 100"),
        ("ISO_IR100", "ISO_IR 100"),
        ("iso_ir 100", "ISO_IR 100"),
        ("ISO 8859-1", "ISO_IR 100"),
        ("ISO-8859-5", "ISO_IR 144"),
        ("ISO-2022-IR-87", "ISO 2022 IR 87"),
        ("\\ISO2022 IR 87", "\\ISO 2022 IR 87"),
        ("ISO_IR 149", "ISO 2022 IR 149"),
        ("UTF-8", "ISO_IR 192"),
        ("ISO_IR 6\\ISO-2022-IR-100", "ISO_IR 6\\ISO 2022 IR 100"),
    ],
)
def test_misspelt_terms_are_recognised_and_written_well(written: str, term: str, depth: int) -> None:
    raw = "Größe".encode() if term == "ISO_IR 192" else b"n\xe9"
    data = file_with(charset(written), Element(MAKER, "LO", raw), depth=depth)
    output = anonymized(data)
    assert terms_in(output) == [term]
    assert [node.value.rstrip() for node in every(output, MAKER)] == [raw]
    assert terms_in(modified(data)) == [written]


def test_new_text_is_written_in_what_was_meant() -> None:
    data = small_file(charset("ISO-IR 100"), Element(MAKER, "LO", b"n\xe9"))
    for output in (
        anonymized(data, Replace={"StudyDescription": "Größe"}),
        modified(data, Replace={"StudyDescription": "Größe"}),
    ):
        assert tree_of(output)[0x00081030].value.rstrip() == "Größe".encode("latin-1")


@pytest.mark.parametrize("keep", [["0008,1250"], ["0008,1250[0].0008,0005"]])
def test_kept_subtrees_keep_none_either(keep: list[str]) -> None:
    data = file_with(charset(LEAK), Element(MAKER, "LO", "Maker"), depth=1)
    assert b"DOE" not in anonymized(data, Keep=keep)


def test_a_request_that_sets_the_character_set_is_asked_nothing() -> None:
    data = small_file(charset(LEAK), Element(MAKER, "LO", b"M\xe9"))
    assert terms_in(anonymized(data, Replace={"SpecificCharacterSet": "ISO_IR 100"})) == ["ISO_IR 100"]


def test_one_engine_looks_at_each_file() -> None:
    engine = rewriter({})
    body: list[tuple[str, list[str]]] = [
        ("ISO_IR 100", ["ISO_IR 100"]),
        (LEAK, []),
        ("ISO-IR 100", ["ISO_IR 100"]),
    ]
    for written, left in [*body, *body]:
        data = small_file(charset(written), Element(SEQUENCE, "SQ", []))
        assert terms_in(edited(data, engine)) == left


@pytest.mark.parametrize(
    "term", ["ISO_IR", "ISO_IR 1000", "ISO_IR 7", "ISO 2022 IR 7", "ISO 8859-12", "é", "100"]
)
def test_what_no_term_resembles_is_unknown(term: Any) -> None:
    assert defined_term(term) is None
