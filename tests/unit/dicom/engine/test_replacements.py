"""What requests write into data sets: in their character set, at their place, at any depth."""

from __future__ import annotations

import pytest

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings, UnencodableText
from tests.compat.data_sets import Tree, read_file
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element, encode, part10, rich_file
from tests.support.edits import anonymized, edited, modified, rewriter

NAME, COMMENTS, CHARSET = 0x00100010, 0x00104000, 0x00080005
CONTENT = 0x0040A730


def with_charset(charset: str | None, *more: Element, syntax: str = EXPLICIT) -> bytes:
    first = [] if charset is None else [Element(CHARSET, "CS", charset)]
    return part10(encode([*first, Element(0x00080018, "UI", "1.2.3"), *more], syntax), syntax)


def tree_of(data: bytes) -> Tree:
    return read_file(data).tree


@pytest.mark.parametrize(
    ("charset", "text", "raw"),
    [
        (None, "Müller", "Müller".encode("latin-1")),
        ("", "Müller", "Müller".encode("latin-1")),
        ("ISO_IR 100", "Müller", "Müller".encode("latin-1")),
        ("ISO_IR 192", "Müller 山田", "Müller 山田".encode()),
        ("ISO_IR 144", "Иванов", "Иванов".encode("iso8859_5")),
        ("GB18030", "王^小东", "王^小东".encode("gb18030")),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"),
        ("ISO_IR 999", "Mller", b"Mller"),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_text_is_written_in_the_character_set_of_the_file(
    charset: str | None, text: str, raw: bytes, syntax: str
) -> None:
    output = modified(with_charset(charset, syntax=syntax), Replace={"PatientName": text})
    assert tree_of(output)[NAME].value == raw + b" " * (len(raw) % 2)


def test_text_that_does_not_fit_is_refused_or_dropped() -> None:
    data, body = with_charset("ISO_IR 100"), {"Replace": {"PatientName": "é中"}}
    with pytest.raises(BadFileFormatError, match=r"0010,0010.*ISO_IR 100"):
        edited(data, rewriter(body, anonymize=False))
    lenient = Settings(unencodable_text=UnencodableText.DROP)
    output = edited(data, rewriter(body, anonymize=False, settings=lenient))
    assert tree_of(output)[NAME].value == b"\xe9 "


def test_a_replaced_character_set_relabels_and_counts_for_new_text() -> None:
    data = with_charset("ISO_IR 100", Element(COMMENTS, "LT", "né"))
    output = modified(data, Replace={"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Zoë"})
    tree = tree_of(output)
    assert tree[NAME].value == "Zoë".encode()
    assert tree[COMMENTS].value == "né".encode("latin-1"), "what was there is not transcoded"


def test_a_removed_character_set_leaves_the_default() -> None:
    removed = ["SpecificCharacterSet"]
    output = modified(with_charset("ISO_IR 192"), Remove=removed, Replace={"PatientName": "Zoe"})
    assert CHARSET not in tree_of(output)
    output = modified(with_charset("ISO_IR 192"), Remove=removed, Replace={"PatientName": "Zoë"})
    assert tree_of(output)[CHARSET].value == b"ISO_IR 100"
    assert tree_of(output)[NAME].value == "Zoë ".encode("latin-1")


def test_nested_text_is_written_in_the_nested_character_set() -> None:
    items = [
        [Element(CHARSET, "CS", "ISO_IR 144"), Element(COMMENTS, "LT", b"old ")],
        [Element(0x00080060, "CS", "CT")],
    ]
    data = with_charset("ISO_IR 192", Element(CONTENT, "SQ", items))
    output = modified(data, Replace={"ContentSequence[*].PatientComments": "Ж"})
    first, second = tree_of(output)[CONTENT].items or []
    assert first[COMMENTS].value == "Ж".encode("iso8859_5") + b" "
    assert second[COMMENTS].value == "Ж".encode()


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("undefined", [False, True])
def test_paths_write_into_every_existing_item_and_create_none(syntax: str, undefined: bool) -> None:  # noqa: FBT001
    items = [
        [Element(0x0040A123, "PN", "A")],
        [],
        [Element(NAME, "PN", "B"), Element(0x0040A730, "SQ", [[]])],
    ]
    data = with_charset("ISO_IR 100", Element(CONTENT, "SQ", items, undefined=undefined), syntax=syntax)
    replace = {
        "ContentSequence[*].PatientComments": "all",
        "ContentSequence[1].PatientName": "One",
        "ContentSequence[2].ContentSequence[0].Rows": "7",
        "ContentSequence[9].PatientName": "out of range",
        "ReferencedImageSequence[0].PatientName": "no sequence",
        "PatientID[0].PatientName": "no sequence either",
    }
    output = modified(data, Replace=replace)
    found = tree_of(output)[CONTENT].items or []
    assert [item[COMMENTS].value for item in found] == [b"all "] * 3
    assert [sorted(item) for item in found] == [
        [COMMENTS, 0x0040A123],
        [NAME, COMMENTS],
        [NAME, COMMENTS, CONTENT],
    ]
    assert found[1][NAME].value == b"One "
    (below,) = found[2][CONTENT].items or []
    assert below[0x00280010].value == (b"\0\7" if syntax == BIG else b"\7\0")
    assert b"no sequence" not in output


def test_two_paths_to_one_tag_each_bring_their_own_value() -> None:
    inner = Element(0x00081115, "SQ", [[]])
    data = with_charset("ISO_IR 100", Element(0x00081140, "SQ", [[inner], []]))
    replace = {"0008,1140[*].StudyID": "one", "0008,1140[0].0008,1115[*].StudyID": "two"}
    first, second = tree_of(modified(data, Replace=replace))[0x00081140].items or []
    (below,) = first[0x00081115].items or []
    assert [item[0x00200010].value for item in (first, second, below)] == [b"one ", b"one ", b"two "]


def test_paths_remove_what_they_name_and_no_more() -> None:
    item = [Element(NAME, "PN", "A"), Element(COMMENTS, "LT", "B ")]
    data = with_charset("", Element(CONTENT, "SQ", [item, item]))
    first, second = tree_of(modified(data, Remove=["ContentSequence[0].PatientName"]))[CONTENT].items or []
    assert (sorted(first), sorted(second)) == ([COMMENTS], [NAME, COMMENTS])


def test_new_elements_stand_in_order() -> None:
    replace = {
        "0040,0275": [{"StudyID": "1"}],
        "PatientName": "N",
        "0008,0005": "ISO_IR 100",
        "7fe1,0010": "LAST",
    }
    output = modified(with_charset(None), Replace=replace, PrivateCreator="X")
    tags = list(tree_of(output))
    assert tags == sorted(tags)
    assert {CHARSET, NAME, 0x00400275, 0x7FE10010} <= set(tags)


def test_keep_beats_replace_and_replace_beats_remove() -> None:
    body = {
        "Replace": {"PatientName": "R", "StudyID": "R"},
        "Remove": ["StudyID", "PatientName"],
        "Keep": ["PatientName"],
    }
    tree = tree_of(edited(with_charset("", Element(NAME, "PN", "K ")), rewriter(body, anonymize=False)))
    assert (tree[NAME].value, tree[0x00200010].value) == (b"K ", b"R ")


def test_group_lengths_and_file_meta_cannot_be_written() -> None:
    data = with_charset("")
    replace = {"0010,0000": "4", "0002,0016": "ME", "ContentSequence[0].0010,0000": "4"}
    assert modified(data, Replace=replace) == modified(data)


def test_untouched_elements_stay_byte_for_byte() -> None:
    odd = Element(0x00081030, "LO", b"padded  \0 ")
    sequence = Element(CONTENT, "SQ", [[Element(COMMENTS, "LT", b"x\0")], []], undefined=True)
    data = with_charset("", odd, sequence)
    output = modified(data, Replace={"StudyID": "1"}, RemovePrivateTags=True)
    assert encode([odd]) in output
    assert encode([sequence]) in output


def test_items_that_a_request_gives_stay_as_they_are_given() -> None:
    item = {
        "ReferencedSOPInstanceUID": "1.2.3",
        "PatientID": "given",
        "PatientName": "Given",
        "0009,1001": "x",
    }
    output = anonymized(rich_file(), Replace={"ReferencedImageSequence": [item]})
    (found,) = tree_of(output)[0x00081140].items or []
    assert {tag: node.value.rstrip(b"\0 ") for tag, node in found.items()} == {
        0x00081155: b"1.2.3",
        0x00091001: b"x",
        NAME: b"Given",
        0x00100020: b"given",
    }


@pytest.mark.parametrize("request_name", ["modify", "anonymize"])
def test_kept_identifiers_make_a_second_pass_idle(request_name: str) -> None:
    body = {"Keep": ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"], "Force": True}
    engine = rewriter(body, anonymize=request_name == "anonymize")
    once = edited(rich_file(), engine)
    # References are mapped anew by an anonymization (gotcha G7), so they are kept as well.
    body["Keep"] = [*body["Keep"], "ReferencedSOPInstanceUID", "FrameOfReferenceUID", "0008,1250"]  # type: ignore[misc]
    engine = rewriter(body, anonymize=request_name == "anonymize")
    once = edited(once, engine)
    assert edited(once, engine) == once


def test_the_marks_of_deidentification_are_written_unless_named() -> None:
    tree = tree_of(anonymized(rich_file()))
    assert tree[0x00120062].value == b"YES "
    assert b"2023b" in tree[0x00120063].value
    assert b"2023b" not in tree_of(anonymized(rich_file(), Keep=["StudyID"]))[0x00120063].value
    tree = tree_of(anonymized(rich_file(), Remove=["0012,0063", "PatientName"], Replace={"0012,0062": "NO"}))
    assert tree[0x00120062].value == b"NO"
    assert not {0x00120063, NAME} & tree.keys()
