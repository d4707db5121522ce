"""JSON in pieces reads as JSON that was written whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.http.json_pieces import json_pieces
from dicomorph.http.responses import to_json

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Stream:
    """Stands for a list whose elements nobody holds."""

    def __init__(self, elements: list[Any]) -> None:
        self._elements = elements

    def __iter__(self) -> Iterator[Any]:
        return (streamed(element) for element in self._elements)


def streamed(value: Any) -> Any:
    """Return a value with every list in it made a stream."""
    if isinstance(value, dict):
        return {name: streamed(member) for name, member in value.items()}
    return Stream(value) if isinstance(value, list) else value


@given(values)
def test_streams_and_lists_are_written_alike(value: Any) -> None:
    for given_value in (value, streamed(value)):
        assert "".join(json_pieces(given_value)) + "\n" == to_json(value)
