"""What is said of resources that exist: main tags, metadata, labels."""

from __future__ import annotations

import sqlite3

from dicomorph.embedded.index.rows import (
    NUMBERS,
    add_labels,
    decode_metadata,
    encode_metadata,
    encode_tags,
    row_of,
    set_system_metadata,
)
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.errors import ConflictError
from dicomorph.model.metadata_names import MAIN_DICOM_SEQUENCES, OF_MAIN_TAGS
from dicomorph.model.resources import Level, LevelFacts, MetadataValue
from dicomorph.ports.index import refuse_system_metadata


class SqliteAnnotations:
    """The port `Annotations` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def refresh(self, level: Level, resource_id: str, facts: LevelFacts) -> None:
        """Replace the main tags, with their signature and sequences; an unknown resource is none."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT pk, metadata FROM resource WHERE level = ? AND id = ?", (NUMBERS[level], resource_id)
            ).fetchone()
            if row is None:
                return
            metadata = decode_metadata(row[1])
            metadata.pop(MAIN_DICOM_SEQUENCES, None)
            set_system_metadata(metadata, facts.metadata, OF_MAIN_TAGS)
            connection.execute(
                "UPDATE resource SET main_tags = ?, metadata = ?, patient_main_tags = ? WHERE pk = ?",
                (
                    encode_tags(facts.main_tags),
                    encode_metadata(metadata),
                    encode_tags(facts.patient_main_tags) if level is Level.STUDY else None,
                    row[0],
                ),
            )

    def set_metadata(
        self, level: Level, resource_id: str, name: str, value: str, *, expected: int | None
    ) -> MetadataValue:
        """Write one metadata on condition of its revision (None: it must not exist yet)."""
        refuse_system_metadata(name)
        with self._database.write() as connection:
            pk, metadata = self._metadata_at(connection, level, resource_id, name, expected)
            metadata[name] = written = MetadataValue(value, 0 if expected is None else expected + 1)
            _write_metadata(connection, pk, metadata)
        return written

    def remove_metadata(self, level: Level, resource_id: str, name: str, *, expected: int) -> None:
        """Delete one metadata on condition of its revision."""
        refuse_system_metadata(name)
        with self._database.write() as connection:
            pk, metadata = self._metadata_at(connection, level, resource_id, name, expected)
            del metadata[name]
            _write_metadata(connection, pk, metadata)

    def set_labels(
        self, level: Level, resource_id: str, *, add: frozenset[str], remove: frozenset[str]
    ) -> None:
        """Add and remove labels."""
        with self._database.write() as connection:
            (pk,) = row_of(connection, level, resource_id, "pk")
            connection.executemany(
                "DELETE FROM label WHERE resource = ? AND label = ?", [(pk, label) for label in remove]
            )
            add_labels(connection, pk, add)

    def _metadata_at(
        self, connection: sqlite3.Connection, level: Level, resource_id: str, name: str, expected: int | None
    ) -> tuple[int, dict[str, MetadataValue]]:
        pk, text = row_of(connection, level, resource_id, "pk, metadata")
        metadata = decode_metadata(text)
        held = metadata.get(name)
        if (None if held is None else held.revision) != expected:
            raise ConflictError("The metadata has another revision")
        return pk, metadata


def _write_metadata(connection: sqlite3.Connection, pk: int, metadata: dict[str, MetadataValue]) -> None:
    connection.execute("UPDATE resource SET metadata = ? WHERE pk = ?", (encode_metadata(metadata), pk))
