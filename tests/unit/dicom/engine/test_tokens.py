"""No planted token survives: whatever a profile touches leaves no byte of its value in the output."""

from __future__ import annotations

import pytest

from dicomorph.deid.editions.profiles import EDITIONS, profile
from dicomorph.dicom.engine.edit_plan import Action
from dicomorph.dicom.standard.dictionary import vr_of
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode, part10
from tests.support.edits import anonymized

NEST = (0x00081250, 0x00081115, 0x00081140)  # three sequences that no edition removes
MODALITY = 0x00080060  # no edition touches it
IN_EVERY_EDITION = [
    0x00080018,
    0x00100010,
    0x00100020,
    0x0020000D,
    0x0020000E,
    0x04000561,
    0x4FFE0001,
    0xFFFAFFFA,
]
GRAPHICS = [0x50000040, 0x500E3000, 0x60003000, 0x60004000, 0x60020022, 0x601E1500]
PRIVATE = [0x00090010, 0x00091001, 0x7FE11001]
FORMS = ["explicit", "implicit", "big endian", "deflated", "unknown", "undefined"]
SYNTAX = {"implicit": IMPLICIT, "big endian": BIG, "deflated": DEFLATED}


def token(number: int) -> bytes:
    return b"~%05d~T" % number


def planted(tags: list[int], first: int, form: str) -> list[Element]:
    """Return elements with a token each; in sequences the token is one sequence down."""
    found = []
    for number, tag in enumerate(tags, start=first):
        vr = vr_of(tag)[:2]
        if vr == "SQ":
            item = [Element(MODALITY, "CS", token(number))]
            found.append(Element(tag, "SQ", [item], undefined=form == "undefined", unknown=form == "unknown"))
        else:
            unknown = form == "unknown" and tag != MODALITY
            found.append(Element(tag, vr, token(number), unknown=unknown))
    return found


def data_set(edition: str, form: str) -> tuple[bytes, int]:
    """Return a file with every attribute of an edition at the top and three sequences down."""
    tags = sorted({*profile(edition).rules, *IN_EVERY_EDITION, *GRAPHICS, *PRIVATE} - set(NEST))
    count = len(tags)
    inner = planted(tags, count, form)
    undefined = form == "undefined"
    for sequence in reversed(NEST):
        inner = [Element(MODALITY, "CS", b"KEPT"), Element(sequence, "SQ", [inner, []], undefined=undefined)]
    elements = sorted([*planted(tags, 0, form), *inner], key=lambda element: element.tag)
    syntax = SYNTAX.get(form, EXPLICIT)
    return part10(encode(elements, syntax), syntax), 2 * count


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_no_planted_token_survives(edition: str, form: str) -> None:
    data, count = data_set(edition, form)
    output = anonymized(data, DicomVersion=edition)
    if form == "deflated":
        assert "~" not in str(read_file(output).tree)
        return
    assert data.count(b"~T") == count
    assert [number for number in range(count) if token(number) in output] == []
    assert output.count(b"KEPT") == len(NEST), "what no edition touches stays"


@pytest.mark.parametrize("edition", EDITIONS)
def test_emptied_attributes_stay_and_removed_ones_do_not(edition: str) -> None:
    tree = read_file(anonymized(data_set(edition, "explicit")[0], DicomVersion=edition)).tree
    for tag, rule in profile(edition).rules.items():
        assert (tag in tree) is (rule.action is not Action.REMOVE), f"{tag:08x}"
        if rule.action is Action.EMPTY:
            assert not tree[tag].value
            assert not tree[tag].items


def test_a_token_in_a_kept_sequence_stays_but_for_the_name() -> None:
    data, _ = data_set("2023b", "explicit")
    output = anonymized(data, Keep=["0008,1250"])
    nested = read_file(output).tree[NEST[0]].items or []
    for sequence in NEST[1:]:
        nested = nested[0][sequence].items or []
    names = [tag for tag, node in nested[0].items() if not node.value and node.items is None]
    assert names == [0x00100010]
    assert 0x00091001 in nested[0]
