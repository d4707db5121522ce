"""Files cut off, or no DICOM at all: refused, or edited whole."""

from __future__ import annotations

from functools import partial

import pytest

from dicomorph.model.errors import BadFileFormatError, DicomorphError
from tests.compat.plans import REQUESTS
from tests.compat.test_differential import difference, pair
from tests.dicom_factory import SYNTAXES, rich_file
from tests.support.edits import anonymized, edited, modified


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", ["2023b", "2008", "modify", "replace paths"])
def test_a_file_cut_off_anywhere_is_refused_or_ends_between_elements(syntax: str, name: str) -> None:
    data = rich_file(syntax=syntax)
    engine, oracle = pair(REQUESTS[name])
    whole = 0
    for stop in range(0, len(data), 3 if name == "2023b" else 17):
        try:
            output = edited(data[:stop], engine)
        except DicomorphError:
            continue
        whole += 1
        assert not difference(data[:stop], engine, oracle), stop
        assert len(output) > 132
    assert whole < 100


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DICM",
        bytes(132),
        bytes(128) + b"DICM",
        b"PK\3\4" + bytes(200),
        b"\xff\xd8\xff\xe0" + bytes(300),
        b"{}",
    ],
)
def test_what_is_not_dicom_is_refused(data: bytes) -> None:
    for edit in (anonymized, partial(modified, RemovePrivateTags=True)):
        try:
            edit(data)
        except BadFileFormatError:
            continue
        assert data == bytes(128) + b"DICM", "an empty data set is one"
