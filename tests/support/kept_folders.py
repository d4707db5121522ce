"""Data folders with something of everything in them, and what their indexes say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from dicomorph.embedded.backend import database_file
from dicomorph.model.resources import Level
from tests.contract.uploads import new_upload
from tests.workflows.embedded import Server, serve

_ROWS = """
    SELECT r.level, r.id, p.id, r.main_tags, r.metadata, r.last_update, r.patient_main_tags, r.object_key,
           r.object_version, r.size, r.md5, r.crc32,
           (SELECT group_concat(label) FROM (SELECT label FROM label WHERE resource = r.pk ORDER BY label))
    FROM resource AS r LEFT JOIN resource AS p ON p.pk = r.parent ORDER BY r.level, r.id
"""
_OTHERS = ("counter", "property", "job", "job_request", "outbox", "total", "upload")


def close(server: Server) -> None:
    """End a server, so that its database is one file."""
    server.backend.index.catalogue._database.close()  # type: ignore[attr-defined]
    server.backend.objects.close()  # type: ignore[attr-defined]


def filled(folder: Path, **settings: Any) -> str:
    """Make a folder with two patients, an anonymized copy, labels and metadata; return a study's id."""
    server = serve(folder, **settings)
    for number in range(1, 6):
        uploaded = server.upload(number)
    server.upload(1, series=2, patient="PAT")
    server.upload(1, study=7, patient="OTHER")
    study, annotations = str(uploaded["ParentStudy"]), server.backend.index.annotations
    annotations.set_labels(Level.STUDY, study, add=frozenset(("seen", "again")), remove=frozenset())
    annotations.set_labels(Level.INSTANCE, str(uploaded["ID"]), add=frozenset(("one",)), remove=frozenset())
    annotations.set_metadata(Level.SERIES, str(uploaded["ParentSeries"]), "1024", "mine", expected=None)
    annotations.set_metadata(Level.INSTANCE, str(uploaded["ID"]), "1024", "mine", expected=None)
    server.run(study, anonymize=True)
    server.backend.uploads.records.create(new_upload())
    close(server)
    return study


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """Return all resources, with their labels."""
    with closing(sqlite3.connect(database_file(folder))) as index:
        return index.execute(_ROWS).fetchall()


def other_rows(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return what else an index holds."""
    with closing(sqlite3.connect(database_file(folder))) as index:
        return {name: sorted(index.execute(f"SELECT * FROM {name}")) for name in _OTHERS}  # noqa: S608


def images(folder: Path, below: str = "objects/instances") -> dict[str, bytes]:
    """Return the files of instances, by what they are called from some folder on."""
    place = folder / below
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*.dcm")}


def lose_index(folder: Path) -> None:
    """Take the index away, with its log."""
    for path in folder.glob("index.db*"):
        path.unlink()
