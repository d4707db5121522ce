"""Tags that are too many for memory are written as they would be shown, to the byte."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views import tags_view
from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.json_text import JsonText, Shown
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.errors import BadFileFormatError
from tests.compat.strategies import SYNTAXES as DRAWN_SYNTAXES
from tests.compat.strategies import cases
from tests.dicom_factory import SYNTAXES, Element, encode, part10, rich, rich_file
from tests.support.disorder import shuffled
from tests.support.open_files import open_files

ROOT = Path(__file__).parents[4]


def new_file() -> int:
    descriptor, path = tempfile.mkstemp()
    Path(path).unlink()
    return descriptor


def in_memory(data: bytes, form: TagsForm, **options: Any) -> bytes:
    found = dataset_json(BufferSource(data), form=form, default_encoding="Latin1", **options)
    text = json.dumps(found, ensure_ascii=False, indent=3, sort_keys=True) + "\n"
    return text.encode("utf-8", "surrogatepass")


def written(data: bytes, form: TagsForm, **options: Any) -> bytes:
    """Return the text by way of the file."""
    text = JsonText(FileScratch(new_file))
    try:
        found = dataset_json(BufferSource(data), form=form, default_encoding="Latin1", text=text, **options)
        source, script = text.finish(cast("Shown", found))
        assert script.size == sum(map(len, script.chunks(source)))
        result = b"".join(script.chunks(source))
        source.close()
    finally:
        text.close()
    return result


@pytest.fixture(params=[(0, 1), (0, 2), (9, 3)], ids=str)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """How many elements stay in memory, and how many are written at once."""
    monkeypatch.setattr(tags_view, "_IN_MEMORY", request.param[0])
    monkeypatch.setattr(tags_view, "_AT_ONCE", request.param[1])
    before = open_files()
    yield request.param
    assert open_files() <= before


def nested(levels: int) -> list[Element]:
    """Return a data set with sequences in sequences, some of them empty."""
    inner = nested(levels - 1) if levels else []
    return [
        Element(0x00080005, "CS", "ISO_IR 100"),
        Element(0x00081140, "SQ", [inner, [], inner]),
        Element(0x00091001, "LO", 'of nobody "\\\x07é'),
        Element(0x00100010, "PN", "Müller"),
        Element(0x00400275, "SQ", []),
        Element(0x00409999, "LO", "unknown"),
        Element(0x0040A730, "SQ", [inner], undefined=True),
    ]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("form", TagsForm)
@pytest.mark.parametrize(
    "data",
    [*(rich_file(syntax=syntax) for syntax in SYNTAXES), part10(encode(nested(2))), part10(b"", SYNTAXES[0])],
)
def test_what_is_written_is_what_would_be_shown(form: TagsForm, data: bytes) -> None:
    for options in ({}, {"whole": True}, {"ignore_length": frozenset({0x00100010})}):
        assert written(data, form, **options) == in_memory(data, form, **options)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("form", TagsForm)
def test_what_is_out_of_order_damaged_or_too_much_is_written_as_shown(
    monkeypatch: pytest.MonkeyPatch, form: TagsForm
) -> None:
    for body in (nested(2)[::-1], [*rich()[:9], *rich()[3:]]):
        data = part10(encode(body))
        assert written(data, form) == in_memory(data, form)
    whole = part10(encode([*nested(1), Element(0x7FE00010, "OW", bytes(64))]))
    for cut in range(400, len(whole), 11):
        for data in (whole[:cut], whole[:cut] + b"\xff\xfe\x00" + whole[cut + 3 :]):
            try:
                expected = in_memory(data, form)
            except BadFileFormatError:
                with pytest.raises(BadFileFormatError):
                    written(data, form)
            else:
                assert written(data, form) == expected
    for most in range(1, 40, 5):
        monkeypatch.setattr(tags_view, "_MOST_ELEMENTS", most)
        assert written(whole, form) == in_memory(whole, form)


@st.composite
def drawn_files(draw: st.DrawFn) -> bytes:
    """Draw a file, in order or not."""
    case, syntax = draw(cases()), draw(DRAWN_SYNTAXES)
    body = shuffled(draw, case.body) if draw(st.booleans()) else case.body
    return part10(encode(body, syntax, case.codec), syntax)


@given(file=drawn_files(), form=st.sampled_from(TagsForm), at_once=st.integers(1, 9))
def test_any_file_is_written_as_it_would_be_shown(file: bytes, form: TagsForm, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tags_view, "_IN_MEMORY", 0)
        patch.setattr(tags_view, "_AT_ONCE", at_once)
        assert written(file, form) == in_memory(file, form)


_PEAK = """
import sys
from pathlib import Path
from tests.unit.dicom.views.test_json_text import *
data = many(sys.argv[1], int(sys.argv[2]))
text, before = JsonText(FileScratch(new_file)), int(peak())
found = dataset_json(BufferSource(data), form=TagsForm[sys.argv[3]], default_encoding="Latin1", text=text)
source, script = text.finish(found)
print(script.size, peak() - before)
"""


def peak() -> int:
    """Return the most memory that this process has had, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10


def many(kind: str, count: int) -> bytes:
    """Return a file of many elements: of items, of one item, of the top level, or of nested sequences."""
    if kind == "nested":
        inner = Element(0x00081115, "SQ", [[Element(0x00209057, "UL", 1)]])
        body = [Element(0x52009230, "SQ", [[inner]] * (count // 4))]
    elif kind == "items":
        item = [Element(0x00189074, "DT", "2020"), Element(0x00209057, "UL", 1)]
        body = [Element(0x52009230, "SQ", [item] * (count // 3))]
    else:
        private = [
            Element((0x0011 + 2 * (n // 60_000)) << 16 | 0x1000 + n % 60_000, "LO", "value")
            for n in range(count)
        ]
        body = private if kind == "top" else [Element(0x00081140, "SQ", [private])]
    return part10(encode(body))


KINDS = ["items", "one", "top", "nested"]
LARGE = [
    pytest.param(kind, form, 500_000, marks=pytest.mark.slow)
    for kind in KINDS
    for form in TagsForm.__members__
]


@pytest.mark.parametrize(
    ("kind", "form", "count"), [("items", "FULL", 20_000), ("top", "FULL", 20_000), *LARGE]
)
def test_memory_does_not_grow_with_the_number_of_elements(form: str, kind: str, count: int) -> None:
    command = [sys.executable, "-c", _PEAK, kind, str(count), form]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    size, grown = map(int, done.stdout.split())
    assert size > 20 * count or form == "SIMPLIFY"
    assert grown <= 15  # MiB; half a million elements as objects take some 500
