"""Counters and texts of the server as a whole."""

from __future__ import annotations

from contextlib import suppress

from dicomorph.aws.dynamodb.expressions import ABSENT
from dicomorph.aws.dynamodb.keys import counter_key, property_key, secret_key
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.items import decode_text, encode_text
from dicomorph.model.errors import ConflictError, TransientError


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

    def read_secret(self, name: str) -> str | None:
        """Return a secret, None if there is none of this name."""
        item = self._table.get(secret_key(name))
        return None if item is None else decode_text(item["Text"])

    def establish_secret(self, name: str, value: str) -> str:
        """Keep a secret unless there is one of this name; return the one that counts."""
        item = secret_key(name) | {"Text": encode_text(value)}
        with suppress(ConflictError):  # also where the answer to an attempt of this very call was lost
            self._table.put(item, ABSENT)
        found = self.read_secret(name)
        if found is None:
            raise TransientError("A secret of the server vanished as it was written")
        return found
