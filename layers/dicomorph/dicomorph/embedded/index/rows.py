"""How resources stand in rows: column order, and the JSON of tags and metadata."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.metadata_names import LAST_UPDATE
from dicomorph.model.resources import LEVELS, Level, MetadataValue, ObjectRef, Resource

NUMBERS = {level: number for number, level in enumerate(LEVELS)}
INSTANCE = NUMBERS[Level.INSTANCE]

SELECT_RESOURCE = """
    SELECT r.level, r.id, p.id, r.main_tags, r.metadata, r.last_update,
           (SELECT json_group_array(label) FROM label WHERE resource = r.pk),
           r.patient_main_tags, r.object_key, r.object_version, r.size, r.crc32, r.md5
    FROM resource AS r LEFT JOIN resource AS p ON p.pk = r.parent
"""


def decode_resource(row: tuple[Any, ...]) -> Resource:
    """Return the resource in a row of `SELECT_RESOURCE`."""
    level, resource_id, parent, main_tags, metadata, last_update, labels, patient_main_tags, *stored = row
    values = decode_metadata(metadata)
    if last_update is not None:
        values[LAST_UPDATE] = MetadataValue(last_update, 0)
    *ref, md5 = stored
    return Resource(
        level=LEVELS[level],
        id=resource_id,
        parent=parent,
        main_tags=json.loads(main_tags),
        metadata=values,
        labels=frozenset(json.loads(labels)),
        patient_main_tags=json.loads(patient_main_tags) if patient_main_tags else {},
        object=ObjectRef(*ref) if level == INSTANCE else None,
        md5=md5 or "",
    )


def row_of(connection: sqlite3.Connection, level: Level, resource_id: str, columns: str) -> tuple[Any, ...]:
    """Return columns of the row of a resource.

    Raises
    ------
    UnknownResourceError
        If there is none.
    """
    row: tuple[Any, ...] | None = connection.execute(
        f"SELECT {columns} FROM resource WHERE level = ? AND id = ?",  # noqa: S608 - names of columns
        (NUMBERS[level], resource_id),
    ).fetchone()
    if row is None:
        raise UnknownResourceError
    return row


def add_labels(connection: sqlite3.Connection, pk: int, labels: frozenset[str]) -> None:
    """Give a resource labels; those it has are left alone."""
    connection.executemany(
        "INSERT OR IGNORE INTO label VALUES (?, ?)", [(pk, label) for label in sorted(labels)]
    )


def encode_tags(tags: Mapping[str, str]) -> str:
    """Return the JSON of main tags."""
    return _dump(dict(tags))


def encode_metadata(metadata: Mapping[str, MetadataValue]) -> str:
    """Return the JSON of metadata: most never change, so only revisions above 0 are written."""
    return _dump(
        {
            name: [entry.value, entry.revision] if entry.revision else entry.value
            for name, entry in metadata.items()
        }
    )


def encode_new_metadata(values: Mapping[str, str]) -> str:
    """Return the JSON of metadata that are all at revision 0."""
    return _dump(dict(values))


def decode_metadata(text: str) -> dict[str, MetadataValue]:
    """Return metadata from their JSON."""
    return {
        name: MetadataValue(entry, 0) if isinstance(entry, str) else MetadataValue(*entry)
        for name, entry in json.loads(text).items()
    }


def set_system_metadata(
    metadata: dict[str, MetadataValue], values: Mapping[str, str], names: Iterable[str]
) -> bool:
    """Set those metadata with some names that have values, at revision 0; tell whether any changes."""
    news = {name: MetadataValue(values[name], 0) for name in names if name in values}
    is_changed = any(metadata.get(name) != value for name, value in news.items())
    metadata.update(news)
    return is_changed


def _dump(document: object) -> str:
    # ASCII: a lone surrogate out of a broken file must not make a row unwritable.
    return json.dumps(document, separators=(",", ":"))
