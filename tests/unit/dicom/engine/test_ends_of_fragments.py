"""Where encapsulated pixel data end, which is recorded, and believed only where they can end."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.errors import BadFileFormatError
from tests.dicom_factory import DEFLATED, EXPLICIT, rich_file
from tests.support.codestreams import CLEAN, DIRTY, even
from tests.support.edits import WindowedSource, edited, rewriter
from tests.support.large_files import encapsulated_file

FILES = {
    "clean": encapsulated_file(even(CLEAN), 3),
    "dirty": encapsulated_file(even(DIRTY), 3),
    "something behind": encapsulated_file(even(DIRTY), 2, behind=b"behind"),
    "OW": encapsulated_file(even(CLEAN), 2).replace(b"\xe0\x7f\x10\x00OB", b"\xe0\x7f\x10\x00OW"),
    "no fragments": encapsulated_file(b"", 0),
}
EDITS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "header": {"Replace": {"PatientName": "A much longer name", "StudyDescription": "é"}},
    "behind": {"Remove": ["fffc,fffc"], "Replace": {"InstitutionName": "B"}},
}


def _fragments(data: bytes) -> tuple[int, int] | None:
    """Return where a walk over the whole file finds them."""
    return describe(BufferSource(data), default_encoding="Latin1", whole=True).fragments


@pytest.mark.parametrize("anonymize", [False, True])
@pytest.mark.parametrize("body", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_product_says_where_a_walk_over_it_would_find_them(
    data: bytes, body: dict[str, Any], *, anonymize: bool
) -> None:
    source = BufferSource(data)
    script = rewriter(body, anonymize=anonymize).rewrite(source)
    product = EditedSource(source, script)
    found = describe(product, default_encoding="Latin1").fragments
    assert found is not None
    assert found == _fragments(script.join(source))


def test_what_is_recorded_spares_the_walk() -> None:
    data = encapsulated_file(bytes(1000), 1000, behind=b"behind")
    source = WindowedSource(data)
    source.fragments = _fragments(data)
    engine = rewriter(EDITS["behind"], anonymize=False)
    broken = bytearray(data)
    broken[600_000:700_000] = bytes(100_000)  # nobody looks there
    recorded = WindowedSource(bytes(broken))
    recorded.fragments = source.fragments
    with pytest.raises(BadFileFormatError):
        edited(bytes(broken), engine)
    script = engine.rewrite(recorded)
    assert [part for part in script.parts if isinstance(part, tuple)] == [
        part for part in engine.rewrite(source).parts if isinstance(part, tuple)
    ]


@pytest.mark.parametrize("shift", [-8, -1, 1, 8, 1 << 20])
@pytest.mark.parametrize("which", [0, 1])
def test_what_cannot_be_their_end_is_not_believed(which: int, shift: int) -> None:
    data = encapsulated_file(even(CLEAN), 3, behind=b"behind")
    engine = rewriter(EDITS["behind"], anonymize=False)
    places = list(_fragments(data) or ())
    places[which] += shift
    source = WindowedSource(data)
    source.fragments = (places[0], places[1])
    assert engine.rewrite(source).join(source) == edited(data, engine)


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
def test_files_without_fragments_say_nothing(syntax: str) -> None:
    data = rich_file(syntax=syntax)
    source = BufferSource(data)
    assert _fragments(data) is None
    assert rewriter({}).rewrite(source).fragments is None
