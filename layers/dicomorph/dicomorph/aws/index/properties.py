"""Counters and texts of the server as a whole."""

from __future__ import annotations

from dicomorph.aws.dynamodb.keys import counter_key, property_key
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.items import decode_text, encode_text


class DynamoServerProperties:
    """The port `ServerProperties`.

    Parameters
    ----------
    table : Table
        Where the items lie.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def next_number(self, counter: str) -> int:
        """Increase a counter and return it; a call that is repeated may skip a number."""
        return self._table.increase(counter_key(counter))

    def read_property(self, name: str) -> str | None:
        """Return a server-wide property, None if it was never written."""
        item = self._table.get(property_key(name))
        return None if item is None else decode_text(item["Text"])

    def write_property(self, name: str, value: str) -> None:
        """Set a server-wide property."""
        self._table.put(property_key(name) | {"Text": encode_text(value)})
