"""``python -m local --rebuild-index``: an index lost, or older than the files, is made anew."""

from __future__ import annotations

import math
import os
from pathlib import Path

from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.care.rebuilding import Rebuilt, rebuild_index
from dicomorph.embedded.tidying import Tidying
from dicomorph.model.settings import Settings, parse_settings
from local.arguments import Arguments
from local.data_folder import find_data_folder, lock_data_folder
from local.settings_file import read_settings
from local.worker import NoRunner

_TAKEN_OVER = (
    "The old index could be read. Labels, metadata, links to originals, times, jobs and settings were taken"
    " over, as far as they are about the same files."
)
_LOST = (
    "What files do not say is lost: labels, metadata of users, links from copies to originals, who sent a"
    " file, jobs, and the default encoding that a client has set. Times of reception are those of the files;"
    " Anonymized<N> goes on behind the highest N that a stored patient has."
)


def rebuild(arguments: Arguments) -> int:
    """Make a new index, and say what came of it; return the exit status.

    Raises
    ------
    DataFolderError
        If there is no data folder, or a server uses it.
    DicomorphError
        If it cannot be written.
    """
    os.umask(0o077)
    settings = parse_settings(read_settings(arguments.settings))
    folder = lock_data_folder(find_data_folder(arguments.data), rebuilding=True)
    try:
        rebuilt = rebuild_index(folder.path, settings)
        moved = _move_orphans(folder.path, settings)
    finally:
        folder.release()
    for line in report(folder.path, rebuilt, moved):
        print(line)
    return 0


def _move_orphans(data: Path, settings: Settings) -> int:
    """Set aside which versions others have replaced, and documents of jobs that are not known."""
    backend = embedded_backend(data, settings, epoch=None, runner=NoRunner())
    return Tidying(backend, data).move_orphans(before=math.inf)


def report(data: Path, rebuilt: Rebuilt, moved: int) -> list[str]:
    """Return what to say of a new index, line by line; counts, no names."""
    held, found = rebuilt.statistics, rebuilt.findings
    counts = (
        (found.adopted, "Files taken back from orphans/"),
        (found.damaged, "Files that are damaged, or that no upload would take (now in orphans/damaged/)"),
        (found.unreadable, "Files that cannot be read, and have no entry"),
        (found.deleted, "Files that were deleted, and waited for a job (now in orphans/deleted/)"),
        (moved, "Older versions of instances, and documents of jobs that are not known (now in orphans/)"),
    )
    sizes = f"{held.patients} patients, {held.studies} studies, {held.series} series"
    return [
        f"The index of {data} is new: {sizes}, {held.instances} instances.",
        *(f"{what}: {count}" for count, what in counts if count),
        _TAKEN_OVER if rebuilt.is_taken_over else _LOST,
        *([f"The old one is kept: {rebuilt.kept.name}"] if rebuilt.kept else []),
    ]
