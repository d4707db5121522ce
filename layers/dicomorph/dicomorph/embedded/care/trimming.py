"""Removing from a backup what its index, which has just been renewed, does not refer to any more."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from dicomorph.embedded.backend import objects_folder
from dicomorph.embedded.care.documents import StoredDocuments
from dicomorph.embedded.claims import Claims, chunks, instance_keys
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.objects.folders import ABSENT, PINNED, files_below, is_key, prune
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.object_keys import JOBS


def trim(backup: Path, database: Database) -> int:
    """Remove files of instances and documents of jobs that nothing refers to; return how many they were.

    Parameters
    ----------
    database : Database
        The one of the backup.
    """
    objects = objects_folder(backup)
    jobs = SqliteJobRecords(database)
    claims = Claims(sqlite_index(database), jobs, StoredDocuments(objects))
    removed = 0
    for keys in chunks(instance_keys(str(objects))):
        removed += sum(_remove(objects, key) for key in claims.unclaimed(keys))
    pinned = backup / PINNED
    for keys in chunks(instance_keys(str(pinned))):
        # What has an entry lies among the objects, too: it was deleted after the index was copied.
        removed += sum(_remove(pinned, key) for key in {*claims.unclaimed(keys), *claims.held(keys)})
    known = {job.id for job in jobs.all()}
    for key in filter(is_key, files_below(str(objects), JOBS.rstrip("/"))):
        job, _, document = key.removeprefix(JOBS).partition("/")
        if document and job not in known:
            removed += _remove(objects, key)
    return removed


def _remove(folder: Path, key: str) -> bool:
    path = f"{folder}/{key}"
    with suppress(*ABSENT):
        os.unlink(path)  # noqa: PTH108 - paths are text here
        prune(path, str(folder))
        return True
    return False
