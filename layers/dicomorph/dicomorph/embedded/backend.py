"""The ports on files and SQLite, put together below one folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from dicomorph.embedded.access_trail import FileTrail
from dicomorph.embedded.allow_lists import read_list_file
from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.jobs.records import SqliteJobRecords
from dicomorph.embedded.objects.folders import ORPHANS
from dicomorph.embedded.objects.room import Room
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.sqlite.database import Database
from dicomorph.embedded.uploads.door import ServerDoor
from dicomorph.embedded.uploads.records import SqliteUploadRecords
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import MEGABYTE, Settings
from dicomorph.ports.index import Index
from dicomorph.ports.jobs import JobRunner
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.rules import ArrivalRules
from dicomorph.services.backend import Backend, Target, Uploads, utc_now
from dicomorph.services.server.allow_lists import allow_lists_of

# Small batches for every job, so that all cores have work.
_LIMITS = PlannerLimits(batch_instances=25, small_job_instances=0)

# Bytes. A link costs the server nothing: it sends the file, where an answer would be encoded and decoded.
_LARGEST_ANSWER = 128 << 10


def embedded_backend(
    data_dir: Path, settings: Settings, *, epoch: int | None, runner: JobRunner, host: str | None = None
) -> Backend:
    """Return the ports on files and SQLite below one folder.

    Parameters
    ----------
    data_dir : Path
        The data folder, which exists.
    epoch : int
        The run that writes; a later run makes this one's writes fail. None writes regardless.
    runner : JobRunner
        What runs jobs.
    host : str, optional
        The name or address that the server in front listens on. None: there is no such server.
    """
    database = Database(database_file(data_dir), epoch=epoch, durable=settings.sync_storage_area)
    index = sqlite_index(database, quota=settings.maximum_storage_size * MEGABYTE)
    return Backend(
        objects=FileStore(
            data_dir,
            room=_room(data_dir, settings, index),
            largest_inflated=settings.maximum_inflated_size * MEGABYTE,
        ),
        index=index,
        jobs=SqliteJobRecords(database),
        runner=runner,
        uploads=Uploads(SqliteUploadRecords(database), ServerDoor()),
        settings=settings,
        planner_limits=_LIMITS,
        now=utc_now,
        new_token=secrets.token_bytes,
        targets={
            name: Target(_target_store(Path(place), settings)) for name, place in settings.targets.items()
        },
        largest_answer=_LARGEST_ANSWER,
        trail=_trail(settings),
        read_list=read_list_file,
        hosts=None if host is None else settings.allowed_hosts | {host.lower()},
    )


def _trail(settings: Settings) -> FileTrail | None:
    found = settings.access_trail
    if found is None:
        return None
    return FileTrail(
        Path(found.folder),
        size=found.maximum_size * MEGABYTE,
        kept=found.maximum_files,
        sync=found.sync,
    )


def embedded_rejects(data_dir: Path, settings: Settings) -> Target:
    """Return where files are set aside that arrived and could not be taken: a folder of the data folder.

    They lie apart from what is stored, so that nobody takes one for the other.
    """
    rooms = Room(str(data_dir), free=_free(settings))
    return Target(FileStore(data_dir, sync=True, objects=rejected_folder(data_dir), room=rooms))


def embedded_door(backend: Backend, arrivals: FolderArrivals, rejected: Target) -> Door:
    """Return a way in for files of a watched folder; each thread that takes some has one."""
    rules = ArrivalRules(backend.settings, allow_lists_of(backend))
    return Door(backend=backend, arrivals=arrivals, rejected=rejected, rules=rules)


def _room(data_dir: Path, settings: Settings, index: Index) -> Room:
    return Room(
        str(data_dir),
        quota=settings.maximum_storage_size * MEGABYTE,
        free=_free(settings),
        used=lambda: index.catalogue.statistics().disk_size,
    )


def _target_store(place: Path, settings: Settings) -> FileStore:
    return FileStore(
        place / ".dicomorph",
        sync=True,
        objects=place,
        room=Room(str(place), free=_free(settings)),
        mode=settings.target_mode,
    )


def _free(settings: Settings) -> int | None:
    found = settings.minimum_free_space
    return None if found is None else found * MEGABYTE


def begin_epoch(data_dir: Path) -> int:
    """Begin a new run on a data folder: from now on, writes of all earlier runs fail."""
    database = Database(database_file(data_dir), epoch=None)
    try:
        return database.begin_epoch()
    finally:
        database.close()


def objects_folder(data_dir: Path) -> Path:
    """Return where the embedded object store keeps what is stored; its links point there."""
    return data_dir / "objects"


def orphans_folder(data_dir: Path) -> Path:
    """Return where files lie that a start found without anything that refers to them."""
    return data_dir / ORPHANS


def rejected_folder(data_dir: Path) -> Path:
    """Return where files lie that arrived in the watched folder and could not be taken."""
    return data_dir / "rejected"


def database_file(data_dir: Path) -> Path:
    """Return where the embedded index and the records of jobs are."""
    return data_dir / "index.db"
