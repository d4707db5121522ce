"""How much of a file the engine looks at, and how much it remembers."""

from __future__ import annotations

import pytest

from dicomorph.dicom.engine import encoded_scope
from dicomorph.dicom.engine import identity_mapper as uids
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from tests.compat.plans import REQUESTS
from tests.dicom_factory import SYNTAXES, Element, Fragments, encode, part10, rich_file
from tests.support.edits import KEY, WindowedSource, anonymized, edited, plan, rewriter


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
    monkeypatch.setattr(encoded_scope, "REMEMBERED", 50)
    monkeypatch.setattr(uids, "_REMEMBERED", 50)
    tags = [Element(tag, "UI", f"1.2.{tag}") for tag in range(0x00091001, 0x00091801)]
    items = [[Element(0x00081155, "UI", f"1.2.{n}")] for n in range(500)]
    data = part10(
        encode(
            [Element(0x00081140, "SQ", items), Element(0x00091000, "SQ", [tags, *[[tag] for tag in tags]])]
        )
    )
    mapper = IdentityMapper(KEY)
    engine = Rewriter(plan({"KeepPrivateTags": True}), mapper, default_encoding="Latin1")
    output = edited(data, engine)
    assert output == anonymized(data, KeepPrivateTags=True)
    assert all(len(mapper.uids(namespace)) <= 50 for namespace in Namespace)
    for scope in engine._shared._scopes.values():
        assert max(len(scope.edits), len(scope.sequences), len(scope.items)) <= 51


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
