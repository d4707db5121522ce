"""What stands in the place of a value that goes: valid for its attribute, and nothing of the original."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomorph.dicom.engine.edit_plan import DUMMY, KEYED, NO_VALUE, Action, Dummy, DummyKind, Rule
from tests.compat.data_sets import Tree
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import edited
from tests.support.scopes import ruled
from tests.support.small_files import every, nested, small_file, tree_of, value_of, values_of

# An attribute of every VR: the selector values of hanging protocols (PS3.6, group 0072).
SELECTORS = {
    vr: 0x00720000 | element
    for element, vr in enumerate(
        [
            *("AE", "AS", "AT", "DA", "CS", "DT", "IS", "OB", "LO", "OF", "LT", "OW", "PN", "TM", "SH"),
            *(
                "UN",
                "ST",
                "UC",
                "UT",
                "UR",
                "DS",
                "OD",
                "FD",
                "OL",
                "FL",
                "",
                "UL",
                "",
                "US",
                "",
                "SL",
                "",
                "SS",
            ),
            *("UI", "SQ", "OV", "SV", "UV"),
        ],
        0x5E,
    )
    if vr not in ("", "UN")
}
UNIT = {
    **dict.fromkeys(("OB", "OW", "US", "SS"), 2),
    **dict.fromkeys(("AT", "FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
TEXTS = sorted(SELECTORS.keys() - UNIT.keys() - {"SQ"})
VALID = {
    "AE": "[A-Z]{1,16}",
    "AS": "[0-9]{3}[DWMY]",
    "CS": "[A-Z0-9_ ]{1,16}",
    "DA": "19000101",
    "DS": "[0-9]{1,16}",
    "DT": "19000101000000",
    "IS": "[0-9]{1,10}",
    "SH": "[A-Z0-9]{1,16}",
    "TM": "000000",
    "UI": r"2\.25\.[1-9][0-9]{0,38}",
    "UR": "https://anonymized[.]invalid/[A-Z0-9]*",
    **dict.fromkeys(("LO", "LT", "PN", "ST", "UC", "UT"), "[A-Z0-9]{1,64}"),
}
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
SECRET = b"Secret7Name8"  # of as many bytes as any number has, and then some
AGE = Rule(Action.DUMMY, dummy=Dummy(DummyKind.AGE_CAP))


def everywhere(elements: Sequence[Element], syntax: str, *, undefined: bool = False) -> bytes:
    """Return a file with elements at the top level, in an item, and in one inside that."""
    inner = nested(*elements, undefined=undefined)
    return small_file(nested(inner, *elements, undefined=undefined), *elements, syntax=syntax)


def trees(tree: Tree) -> list[Tree]:
    """Return a data set, and those in its items."""
    inside = [item for node in tree.values() for item in node.items or []]
    return [tree, *(each for item in inside for each in trees(item))]


def planted(vr: str) -> bytes:
    """Return a value with the secret in it, as long as its VR allows."""
    if vr in UNIT:
        return SECRET + bytes(-len(SECRET) % UNIT[vr])
    return {"AS": b"Secr", "SQ": b""}.get(vr, SECRET)


def is_valid(vr: str, value: bytes) -> bool:
    if vr in UNIT:
        return bool(value) and len(value) % UNIT[vr] == 0
    values = value.rstrip(b"\0" if vr == "UI" else b" ").decode("ascii").split("\\")
    return len(value) % 2 == 0 and all(re.fullmatch(VALID[vr], each) for each in values)


NAMED: list[list[Element]] = [[Element(0x00100010, "PN", "Secret7Name8")]]
# What stands in the file under each attribute: the VR that is right (None), or another one.
WRITTEN: dict[str, tuple[str | None, bytes | list[list[Element]] | None]] = {
    "as it should": (None, None),
    "empty": (None, b""),
    "unknown": ("UN", SECRET),
    "unknown and empty": ("UN", b""),
    "several texts": ("LO", SECRET + b"\\Secret"),
    "long text": ("UT", SECRET * 6000),
    "binary": ("OB", SECRET),
    "numbers": ("US", SECRET),
    "a sequence": ("SQ", NAMED),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("rule", [DUMMY, KEYED, NO_VALUE])
def test_dummies_are_valid_for_the_attribute_whatever_the_file_has(
    rule: Rule,
    written: str,
    undefined: bool,  # noqa: FBT001
    syntax: str,
) -> None:
    other, value = WRITTEN[written]
    if syntax == IMPLICIT and other is not None:
        return  # nothing tells
    elements = [
        Element(
            tag, other or vr, planted(vr) if value is None else value, undefined=undefined and other == "SQ"
        )
        for vr, tag in sorted(SELECTORS.items(), key=lambda item: item[1])
        if vr != "SQ" or other in (None, "SQ")
    ]
    output = edited(
        everywhere(elements, syntax, undefined=undefined), ruled(dict.fromkeys(SELECTORS.values(), rule))
    )
    assert b"Secr" not in output
    assert b"eSrc" not in output, "in the other byte order"
    found = trees(tree_of(output))
    for vr, tag in SELECTORS.items():
        nodes = [tree[tag] for tree in found if tag in tree]
        assert len(nodes) == (3 if vr != "SQ" or other in (None, "SQ") else 0)
        for node in nodes:
            assert node.vr == vr
            if rule is NO_VALUE:
                assert (node.value, node.items or []) == (b"", [])
            elif vr == "SQ":
                assert node.items == [{}]
            else:
                assert is_valid(vr, node.value), (vr, node.value)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_dummy_of_nothing_known_is_nothing(syntax: str) -> None:
    private = Element(0x00091001, "UN", SECRET)
    for rule in (DUMMY, KEYED):
        output = edited(everywhere([private], syntax), ruled({0x00091001: rule}))
        assert every(output, 0x00091001) == []


def test_a_private_element_gets_the_dummy_of_the_vr_that_the_file_gives() -> None:
    private = Element(0x00091001, "DA", "20240311")
    assert (
        values_of(edited(everywhere([private], EXPLICIT), ruled({0x00091001: DUMMY})), 0x00091001)
        == [b"19000101"] * 3
    )


CODE = Rule(
    Action.DUMMY,
    dummy=Dummy(
        DummyKind.VALUE, [{"CodeValue": "121320", "CodingSchemeDesignator": "DCM", "CodeMeaning": "Söme"}]
    ),
)


@pytest.mark.parametrize("syntax", [*SYNTAXES, DEFLATED])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_a_sequence_gets_the_items_of_its_rule(syntax: str, unknown: bool, undefined: bool) -> None:  # noqa: FBT001
    tag = 0x00081072
    old = [Element(tag, "SQ", NAMED, undefined=undefined, unknown=unknown)]
    charset = Element(0x00080005, "CS", "ISO_IR 192")
    output = edited(small_file(charset, *old, nested(*old), syntax=syntax), ruled({tag: CODE}))
    assert b"Secr" not in output
    for node in every(output, tag):
        (item,) = node.items or []
        values = [item[inner].value.decode() for inner in (0x00080100, 0x00080102, 0x00080104)]
        assert [value.strip(" ") for value in values] == ["121320", "DCM", "Söme"]


def test_a_value_of_a_rule_is_the_same_for_all_files_and_written_in_their_character_set() -> None:
    engine = ruled({0x00081030: Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, "Größe"))})
    for term, codec in (("ISO_IR 100", "latin-1"), ("ISO_IR 192", "utf-8"), ("ISO_IR 100", "latin-1")):
        data = small_file(Element(0x00080005, "CS", term), Element(0x00081030, "LO", "Secret7Name8"))
        assert value_of(edited(data, engine), 0x00081030) == "Größe".encode(codec)


TEXT_VRS = sorted(SELECTORS.keys() - UNIT.keys() - {"SQ", "AS", "DA", "TM", "DT"})
ORIGINALS = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"], exclude_characters="\\"), min_size=1
)


@settings(max_examples=40)
@given(
    originals=st.lists(ORIGINALS.filter(lambda text: text.strip(" ")), min_size=2, max_size=4),
    vrs=st.lists(
        st.sampled_from([vr for vr in TEXT_VRS if vr not in ("IS", "DS", "AE", "UI", "UR")]), min_size=2
    ),
    syntax=st.sampled_from(SYNTAXES),
)
def test_keyed_dummies_are_equal_where_originals_are(
    originals: list[str], vrs: list[str], syntax: str
) -> None:
    """Whatever the attribute, the padding, the depth, the encoding and the character set."""
    engine = ruled(dict.fromkeys(SELECTORS.values(), KEYED))
    seen: dict[str, bytes] = {}
    for number, original in enumerate(originals):
        vr = vrs[number % len(vrs)]
        for term, codec in (("ISO_IR 100", "latin-1"), ("ISO_IR 192", "utf-8")):
            raw = (original + "  "[: number % 3]).encode(codec)
            element = Element(SELECTORS[vr], vr, raw + b" " * (len(raw) % 2))
            data = small_file(Element(0x00080005, "CS", term), nested(element), element, syntax=syntax)
            for found in values_of(edited(data, engine), SELECTORS[vr]):
                assert seen.setdefault(original.strip(" "), found) == found
    assert len(set(seen.values())) == len(seen)


@settings(max_examples=40)
@given(text=ORIGINALS.map(lambda text: f"~{text}~"), vr=st.sampled_from(TEXT_VRS))
def test_keyed_dummies_depend_on_the_key_and_on_nothing_else_but_the_original(text: str, vr: str) -> None:
    data = small_file(Element(SELECTORS[vr], vr, text))
    rules = {SELECTORS[vr]: KEYED}
    first, again = edited(data, ruled(rules)), edited(data, ruled(rules))
    assert first == again
    assert first != edited(data, ruled(rules, key=b"another key of a job"))
    assert text.encode("latin-1") not in first


def test_each_of_several_values_gets_its_own_dummy_and_an_empty_one_none() -> None:
    tag = SELECTORS["LO"]
    several = small_file(Element(tag, "LO", "A 1\\\\ B\\A 1"))
    single = small_file(Element(tag, "LO", "A 1"))
    engine = ruled({tag: KEYED})
    first, empty, other, again = value_of(edited(several, engine), tag).split(b"\\")
    assert first == again == value_of(edited(single, engine), tag)
    assert other not in (first, b"")
    assert empty == b""


def test_more_values_than_their_dummies_have_room_for_become_one() -> None:
    tag = SELECTORS["LO"]
    output = edited(small_file(Element(tag, "LO", b"AB\\" * 16_000)), ruled({tag: KEYED}))
    assert re.fullmatch(b"[A-Z2-7]{16}", value_of(output, tag))


def test_an_empty_value_stays_so_where_the_rule_says_so() -> None:
    """An attribute of type 2 whose value says nothing must not make one entity of many."""
    tag = 0x00080050
    optional = Rule(Action.DUMMY, dummy=Dummy(DummyKind.KEYED, ""))
    for value, expected in ((b"", b""), (b"  ", b""), (b"A1", b"[A-Z2-7]{16}")):
        output = edited(everywhere([Element(tag, "SH", value)], EXPLICIT), ruled({tag: optional}))
        assert all(re.fullmatch(expected, found) for found in values_of(output, tag))


AGES = [
    *(("089Y", "089Y"), ("090Y", "090Y"), ("091Y", "090Y"), ("999Y", "090Y"), ("000Y", "000Y"), ("", "")),
    *(("75Y", "75Y"), ("095y", "090Y"), ("120", "090Y"), ("75", "75"), ("999M", "999M"), ("1079M", "1079M")),
    *(("1080M", "090Y"), ("999W", "999W"), ("4697W", "090Y"), ("999D", "999D"), ("32873D", "090Y")),
    *(("040Y\\095Y", "040Y\\090Y"), ("Dr Smith 95", ""), ("95Y Dr Smith", ""), ("-95Y", "")),
    *(("095Y\\Smith", ""), ("123456D", "")),
]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vr", ["AS", "UN", "LO"])
def test_ages_above_89_years_are_90_years(vr: str, syntax: str) -> None:
    tag, engine = 0x00101010, ruled({0x00101010: AGE})
    for given_age, expected in AGES:
        output = edited(everywhere([Element(tag, vr, given_age)], syntax), engine)
        assert values_of(output, tag) == [expected.encode()] * 3, given_age
        assert {node.vr for node in every(output, tag)} == {"AS"}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_second_pass_changes_nothing_but_keyed_values(syntax: str) -> None:
    constant, keyed = SELECTORS["LO"], SELECTORS["SH"]
    elements = [
        Element(constant, "LO", SECRET),
        Element(keyed, "SH", SECRET),
        Element(SELECTORS["DA"], "DA", "20240311"),
    ]
    engine = ruled({constant: DUMMY, SELECTORS["DA"]: NO_VALUE, keyed: KEYED})
    once = edited(everywhere(elements, syntax), engine)
    twice = edited(once, engine)
    for first, second in zip(every(once, keyed), every(twice, keyed), strict=True):
        twice = twice.replace(second.value, first.value)
    assert twice == once
