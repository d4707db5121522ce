"""How much of a file the engine looks at, and how much it remembers."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.editions.profiles import profile
from dicomorph.dicom.engine import encoded_scope, explicit_items
from dicomorph.dicom.engine import identity_mapper as uids
from dicomorph.dicom.engine.edit_plan import Action
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from tests.compat.plans import REQUESTS
from tests.dicom_factory import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    Element,
    Fragments,
    encode,
    part10,
    rich_file,
)
from tests.support.edits import KEY, WindowedSource, anonymized, edited, plan, rewriter

EMPTIED = [
    tag
    for tag, rule in profile("2017c").rules.items()
    if rule.action is Action.EMPTY and vr_of(tag) != "SQ" and tag >> 16 not in (0x10, 0x7FE0)
]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_window_shows_enough(syntax: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 64)
    request, data = REQUESTS[name], rich_file(syntax=syntax)
    engine = rewriter(request.body, anonymize=request.anonymize)
    expected = edited(data, engine)
    for surplus in (0, 1, 7):
        source = WindowedSource(data, surplus)
        assert engine.rewrite(source).join(source) == expected
    assert describe(source, default_encoding="Latin1") == describe(
        BufferSource(data), default_encoding="Latin1"
    )


@pytest.mark.parametrize("encapsulated", [False, True])
def test_large_values_are_not_looked_at(encapsulated: bool) -> None:  # noqa: FBT001
    frames = Element(0x7FE00010, "OW", bytes(1 << 22))
    if encapsulated:
        frames = Element(0x7FE00010, "OB", Fragments((bytes(1 << 22),) * 2), undefined=True)
    data = part10(encode([Element(0x00080018, "UI", "1.2.3"), frames, Element(0x7FE10010, "LO", "TAIL")]))
    source = WindowedSource(data)
    script = rewriter({}).rewrite(source)
    assert source.largest <= 1 << 20
    assert sum(len(part) for part in script.parts if isinstance(part, bytes)) < 4096
    assert b"TAIL" not in script.join(source)


def test_memory_of_what_was_seen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (encoded_scope, explicit_items):
        monkeypatch.setattr(module, "REMEMBERED", 50)
    monkeypatch.setattr(uids, "_REMEMBERED", 50)
    tags = [Element(tag, "UI", f"1.2.{tag}") for tag in range(0x00091001, 0x00091801)]
    items = [[Element(0x00081155, "UI", f"1.2.{n}")] for n in range(500)]
    short = [[Element(0x00081140, "SQ", [item])] for item in items]  # each is remembered as a whole
    data_set = [
        Element(0x00081140, "SQ", items),
        Element(0x00081250, "SQ", short),
        Element(0x00091000, "SQ", [tags, *[[tag] for tag in tags]]),
    ]
    data = part10(encode(data_set))
    mapper = IdentityMapper(KEY)
    engine = Rewriter(plan({"KeepPrivateTags": True}), mapper, default_encoding="Latin1")
    output = edited(data, engine)
    assert output == anonymized(data, KeepPrivateTags=True)
    assert all(len(mapper.uids(namespace)) <= 50 for namespace in Namespace)
    for scope in engine._shared._scopes.values():
        assert max(len(scope.edits), len(scope.sequences), len(scope.items)) <= 50


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize("disordered", [False, True])
def test_memory_of_tags_that_were_met_is_bounded(
    syntax: str,
    disordered: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    removed = ["0011,1234", f"0011,{int(disordered):04}"]
    body: dict[str, Any] = {"KeepPrivateTags": True, "DicomVersion": "2017c", "Remove": removed}
    leaves = [Element(tag, "LO", "x") for tag in range(0x00091000, 0x00091020)]
    leaves += [Element(tag, "LO", "x") for tag in range(0x00100010, 0x00101000, 0x80) if vr_of(tag) != "SQ"]
    emptied = [Element(tag, "LO", "x") for tag in sorted(EMPTIED)]
    sequences = [
        Element(tag, "SQ", [[leaf] for leaf in leaves] + [emptied]) for tag in range(0x00191000, 0x00191020)
    ]
    top = sorted([*leaves, *emptied, *sequences], key=lambda element: element.tag)
    data = part10(encode([*top[disordered:], *top[:disordered]], syntax), syntax)
    expected = anonymized(data, **body)
    monkeypatch.setattr("dicomorph.dicom.engine.learnt.LEARNT", 4)
    engine = rewriter({**body, "Remove": [*removed, "0011,4321"]})
    for scope in (engine._plan.root, engine._plan.root.of_item(0x00191000, 0)):
        assert scope is not None
        scope.learnt.clear()
    assert edited(data, engine) == expected
    for scope in (engine._plan.root, engine._plan.root.of_item(0x00191000, 0)):
        assert scope is not None
        for learnt in scope.learnt.values():
            for found in (learnt, learnt.top, learnt.empty, learnt.item_rules, learnt.in_any_order):
                assert len(found) <= 4
            assert learnt.pairs <= 4
            assert sum(map(len, (learnt.first, *learnt.behind.values()))) <= learnt.pairs


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_memory_of_scopes_editors_and_sequences_is_bounded(
    syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        f"ISO_IR {number} "[:10] for number in (100, 101, 109, 110, 144, 127, 126, 138, 148, 166, 13, 192)
    ]
    mapped = [tag for tag, rule in profile("2008").rules.items() if rule.action is Action.MAP]
    uids_of_all_kinds = [Element(tag, "UI", "1.2.3") for tag in sorted(mapped)]
    sequences = [Element(tag, "SQ", [uids_of_all_kinds[:1]]) for tag in range(0x00291000, 0x00291020)]
    items = [
        sorted(
            [Element(0x00080005, "CS", name.encode()), *uids_of_all_kinds, *sequences],
            key=lambda one: one.tag,
        )
        for name in names
    ]
    data = part10(encode([Element(0x00191000, "SQ", items)], syntax), syntax)
    body = {"KeepPrivateTags": True, "DicomVersion": "2008"}
    expected = anonymized(data, **body)
    monkeypatch.setattr(encoded_scope, "REMEMBERED", 5)
    monkeypatch.setattr(encoded_scope, "_REMEMBERED_SCOPES", 5)
    engine = rewriter(body)
    assert edited(data, engine) == expected
    assert len(engine._shared._scopes) <= 5
    scopes = list(engine._shared._scopes.values())
    assert max(len(scope._editors) for scope in scopes) <= 5
    assert max(len(scope.edits) for scope in scopes) <= 5
    assert max(len(scope.items) for scope in scopes) <= 5


def test_long_elements_are_not_remembered() -> None:
    items = [[Element(0x00081155, "UI", "\\".join(["1.2.3"] * number))] for number in (1, 600, 700, 900)]
    engine = rewriter({})
    edited(part10(encode([Element(0x00081140, "SQ", items)])), engine)
    remembered = [len(whole) for scope in engine._shared._scopes.values() for whole in scope.edits]
    assert len(remembered) >= 2
    assert max(remembered) <= 4096


def test_a_forgetful_mapper_maps_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    mapper = IdentityMapper(KEY)
    first = [mapper.uid(Namespace.STUDY, str(number)) for number in range(200)]
    monkeypatch.setattr(uids, "_REMEMBERED", 3)
    assert [mapper.uid(Namespace.STUDY, str(number)) for number in range(200)] == first


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", REQUESTS)
def test_no_part_of_a_script_is_empty(syntax: str, name: str) -> None:
    """A store may take each range for a copy of its own."""
    request = REQUESTS[name]
    script = rewriter(request.body, anonymize=request.anonymize).rewrite(
        BufferSource(rich_file(syntax=syntax))
    )
    assert all(part[0] < part[1] for part in script.parts if isinstance(part, tuple))
