"""Files cut off, or no DICOM at all: refused, or edited whole."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from dicomorph.dicom.stream.elements import TruncatedError
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from tests.compat.plans import REQUESTS
from tests.compat.test_differential import difference, pair
from tests.dicom_factory import SYNTAXES, Element, rich_file
from tests.support.edits import anonymized, edited, modified
from tests.support.small_files import small_file, tree_of


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


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_said_of_a_file_cut_off_names_only_what_is_in_it(syntax: str) -> None:
    data = small_file(Element(0x00080070, "LO", "Maker"), syntax=syntax)
    said = set()
    for stop in range(132, len(data)):
        with suppress(DicomorphError):
            try:
                anonymized(data[:stop])
            except TruncatedError as error:
                said.add(error.details.partition(" is longer")[0])
    assert said <= {f"{tag >> 16:04x},{tag & 0xFFFF:04x}" for tag in tree_of(data)} | {
        "The data set",
        "An element header is cut off",
        *(one for one in said if one.startswith("The file meta")),
    }


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
