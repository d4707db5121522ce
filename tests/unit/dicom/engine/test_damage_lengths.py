"""Wrong lengths, one by one: refused, or harmless."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest

from dicomorph.dicom.stream.elements import EXPLICIT_LITTLE, Element, read_element, skip_undefined
from dicomorph.model.errors import DicomorphError
from tests.compat.data_sets import comparable
from tests.compat.plans import REQUESTS
from tests.compat.test_differential import difference, pair
from tests.dicom_factory import rich_file
from tests.support.edits import edited

UNDEFINED = 0xFFFFFFFF


def length_fields(data: bytes, pos: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield where the length of each element and item stands, at every depth, and its format."""
    while pos < end:
        element = read_element(data, pos, end, EXPLICIT_LITTLE)
        short = element.value - element.start == 8
        yield element.start + (6 if short else 8), "<H" if short else "<I"
        if element.undefined:
            yield element.stop - 4, "<I"
        if element.vr == b"SQ":
            yield from length_fields_of_items(data, element)
        pos = element.stop


def length_fields_of_items(data: bytes, sequence: Element) -> Iterator[tuple[int, str]]:
    pos = sequence.value
    end = sequence.stop - 8 if sequence.undefined else sequence.stop
    while pos < end:
        yield pos + 4, "<I"
        (length,) = struct.unpack_from("<I", data, pos + 4)
        start, stop = pos + 8, pos + 8 + length
        if length == UNDEFINED:
            stop = skip_undefined(data, start, end, EXPLICIT_LITTLE, in_item=True)
        yield from length_fields(data, start, stop - 8 if length == UNDEFINED else stop)
        pos = stop


Corruption = Callable[[int], int]
CORRUPTIONS: dict[str, Corruption] = {
    "plus": lambda length: length + 2,
    "minus": lambda length: max(length - 2, 0),
    "odd": lambda length: length ^ 1,
    "double": lambda length: length * 2,
    "all ones": lambda _: UNDEFINED,
    "zero": lambda _: 0,
}


def corrupted(data: bytes, corruption: Corruption) -> Iterator[tuple[int, bytes]]:
    for pos, code in length_fields(data, 132, len(data)):
        (length,) = struct.unpack_from(code, data, pos)
        field = struct.pack(code, corruption(length) & (0xFFFF if code == "<H" else UNDEFINED))
        if length != UNDEFINED or field != data[pos : pos + 4]:
            yield pos, data[:pos] + field + data[pos + len(field) :]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize("name", ["2023b", "keep private", "replace paths"])
def test_a_wrong_length_is_refused_or_harmless(corruption: str, name: str) -> None:
    engine, oracle = pair(REQUESTS[name])
    data = rich_file()
    refused = 0
    for pos, wrong in corrupted(data, CORRUPTIONS[corruption]):
        try:
            output = edited(wrong, engine)
        except DicomorphError:
            refused += 1
            continue
        found = difference(wrong, engine, oracle)
        if found.startswith("only the oracle refuses"):  # what is wrong lay in something removed
            assert comparable(output)
        else:
            assert not found, pos
    assert refused > 50
