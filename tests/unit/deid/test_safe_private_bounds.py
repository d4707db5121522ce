"""Files made to have more private elements than anybody: bounded, or refused."""

from __future__ import annotations

import pytest

from dicomorph.dicom.engine import judged_scope, preview, rewriter
from dicomorph.dicom.engine.block_characteristics import MOST
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import WindowedSource
from tests.support.judged_private import (
    SAFE,
    SAFE_CREATOR,
    declaration,
    moved,
    owned,
    private_tags,
    retained,
    retaining,
)
from tests.support.small_files import SEQUENCE, nested, small_file, tree_of

LAST = Element(0x7E011001, "LO", "FACT")
NUMBER = Element(SAFE, "FL", b"\0\0\x80?")


def blocks(count: int) -> list[Element]:
    """Return that many blocks of one group, each with a safe element."""
    made = [one for block in range(0x10, 0x10 + count) for one in owned(SAFE_CREATOR, NUMBER, block=block)]
    return sorted(made, key=lambda element: element.tag)


@pytest.mark.parametrize("depth", [0, 1])
def test_all_blocks_of_a_group_may_be_one_creators(depth: int) -> None:
    whole = blocks(240)
    done = tree_of(retained(small_file(*([nested(*whole)] if depth else whole))))
    found = (done[SEQUENCE].items or [])[0] if depth else done
    assert private_tags(found) == [element.tag for element in whole]


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_data_set_with_too_many_private_elements_is_refused(
    syntax: str, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_MOST", 40)
    for count, fits in ((20, True), (21, False)):
        whole = blocks(count)
        data = small_file(*([nested(*whole)] if depth else whole), syntax=syntax)
        if fits:
            assert len(retained(data)) > len(small_file())
        else:
            with pytest.raises(BadFileFormatError, match="too many private elements"):
                retained(data)


def test_items_with_blocks_of_their_own_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged_scope, "_REMEMBERED", 5)
    monkeypatch.setattr(judged_scope, "_HEAVIEST", 9)
    items = [owned(SAFE_CREATOR, NUMBER, block=block) for block in range(0x10, 0x80)] * 2
    done = tree_of(retained(small_file(Element(SEQUENCE, "SQ", items))))
    found = [private_tags(item) for item in done[SEQUENCE].items or []]
    assert found == [[element.tag for element in item] for item in items]


@pytest.mark.parametrize("heaviest", [0, 4096])
def test_files_with_blocks_of_their_own_are_forgotten_in_time(
    heaviest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewriter, "_REMEMBERED_RELOCATIONS", 3)
    monkeypatch.setattr(rewriter, "_HEAVIEST", heaviest)
    engine = retaining()
    for block in [*range(0x10, 0x20)] * 2:
        source = BufferSource(small_file(*owned(SAFE_CREATOR, NUMBER, block=block)))
        done = tree_of(engine.rewrite(source).join(source))
        assert private_tags(done) == [0x20010000 | block, moved(SAFE, block)]
        assert len(engine._relocations) <= 3


def test_a_file_that_describes_more_blocks_than_anybody_describes_none() -> None:
    for count, kept in ((MOST, True), (MOST + 1, False)):
        items = [
            item
            for number in range(count)
            for item in declaration(9, f"ACME {number}", "SAFE").value  # type: ignore[union-attr]
        ]
        block = owned("ACME 0", Element(0x00091001, "LO", "FACT"))
        done = retained(small_file(Element(0x00080300, "SQ", items), *block))  # type: ignore[arg-type]
        assert bool(private_tags(tree_of(done))) == kept


@pytest.mark.parametrize(
    "raw",
    [
        b"\xfe\xff\x00\xe0\x08\0\0\0\x08\0\x01\x03US\x02\0",
        b"\xfe\xff\x00\xe0\xff\0\0\0",
        b"\xfe\xff\xdd\xe0\0\0\0\0",
        b"ACME 1.1",
    ],
)
def test_a_description_that_cannot_be_read_says_nothing(raw: bytes) -> None:
    block = owned("ACME 1.1", Element(0x00091001, "LO", "FACT"))
    safe = owned(SAFE_CREATOR, NUMBER)
    done = retained(small_file(Element(0x00080300, "UN", raw), *block, *safe))
    assert private_tags(tree_of(done)) == [0x20010010, SAFE]


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
def test_a_window_shows_enough_of_private_elements(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 64)
    block = [*blocks(3), Element(0x20015F70, "LO", "NOBODY")]
    block.insert(3, Element(0x20010040, "LO", SAFE_CREATOR))
    sequence = nested(*owned("ACME", Element(0x00091001, "LO", "X" * 200)), *block, undefined=True)
    whole = [sequence, *block, Element(0x7FE00010, "OW", bytes(500)), *owned("HOLOGIC, Inc.", LAST)]
    data = small_file(*sorted(whole, key=lambda element: element.tag), syntax=syntax)
    expected = retained(data)
    assert LAST.tag in tree_of(expected)
    for surplus in (0, 1, 7):
        source = WindowedSource(data, surplus)
        assert retaining().rewrite(source).join(source) == expected


def test_a_file_with_too_many_items_like_no_other_is_refused_and_the_next_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judged_scope, "_MOST", 20)

    def rewritten(engine: Rewriter, count: int) -> int:
        items = [owned(SAFE_CREATOR, NUMBER, block=block) for block in range(0x10, 0x10 + count)]
        return engine.rewrite(BufferSource(small_file(Element(SEQUENCE, "SQ", items)))).size

    engine = retaining()
    with pytest.raises(BadFileFormatError, match="like no other"):
        rewritten(engine, 21)
    monkeypatch.setattr(judged_scope, "_REMEMBERED", 0)
    for _ in range(2):
        assert rewritten(engine, 20) > 20


@pytest.mark.parametrize(("count", "kept"), [(MOST - 1, True), (MOST, False)])
def test_data_sets_within_each_other_describe_no_more_blocks_than_one(count: int, kept: bool) -> None:  # noqa: FBT001
    items = [
        item
        for number in range(count)
        for item in declaration(9, f"ACME {number}", "SAFE").value  # type: ignore[union-attr]
    ]
    inside = [declaration(9, "EX", "SAFE"), *owned("EX", Element(0x00091001, "LO", "FACT"))]
    done = tree_of(retained(small_file(Element(0x00080300, "SQ", items), nested(*inside))))  # type: ignore[arg-type]
    assert bool(private_tags((done[SEQUENCE].items or [])[0])) == kept
