"""Making the index of a data folder anew, of the files.

It is made beside the old one and takes its place at once, at the end: whenever this is killed, the folder
is as it was, but for files that came back from ``orphans/``, or went there. The old one is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dicomorph.embedded.backend import database_file
from dicomorph.embedded.care.earlier import EarlierIndex
from dicomorph.embedded.care.listing import Found, list_files
from dicomorph.embedded.care.new_index import NewIndex
from dicomorph.embedded.care.reading import Reader
from dicomorph.embedded.care.setting_aside import DAMAGED, DELETED, OBJECTS, adopt, set_aside
from dicomorph.embedded.care.soundness import is_whole
from dicomorph.embedded.care.swapping import put_in_place
from dicomorph.embedded.claims import chunks, instance_keys
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import ORPHANS, PINNED
from dicomorph.embedded.objects.spool import Spool
from dicomorph.model.object_keys import product_of
from dicomorph.model.resources import InstanceEntry, ObjectRef, Statistics
from dicomorph.model.settings import Settings

_THREADS = 4  # checksums are taken without the interpreter's lock

_Read: TypeAlias = InstanceEntry | Exception


@dataclass(slots=True)
class Findings:
    """What was found among the files.

    Parameters
    ----------
    adopted : int
        Files that came back from ``orphans/``.
    damaged, unreadable : int
        Files that are no DICOM or not what they were, and moved; files that the disk does not give.
    deleted : int
        Files that were deleted while a job had pinned them, and moved: the job is not known any more.
    """

    adopted: int = 0
    damaged: int = 0
    unreadable: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilding has made.

    Parameters
    ----------
    statistics : Statistics
        What the index holds now.
    kept : Path, optional
        The old index, if there was one.
    is_taken_over : bool
        Whether that could be read, so that what it knows of the same files is in the new one.
    """

    findings: Findings
    statistics: Statistics
    kept: Path | None
    is_taken_over: bool


def rebuild_index(data_dir: Path, settings: Settings) -> Rebuilt:
    """Make a new index of a locked data folder.

    Of several versions of an instance, the one counts that the old index names, if that can be read and
    the file is whole; else the newest. What does not count stays where it is: the next look for orphans
    finds it.

    Raises
    ------
    DicomorphError
        If it cannot be written, a file or folder must not be read or is a link, or the old one is of a
        later version of the program.
    """
    file = database_file(data_dir)
    with translated(), ExitStack() as stack:
        spool = Spool(data_dir / "tmp")
        stack.callback(spool.close)
        earlier = EarlierIndex(file) if is_whole(file) else None
        if earlier is not None:
            stack.callback(earlier.close)
        place = Path(spool.path())
        new = NewIndex(place)
        stack.callback(new.close)
        rebuilding = _Rebuilding(data_dir, settings, new, earlier)
        rebuilding.add_all(Path(spool.path()))
        statistics = new.finish(earlier)
        if earlier is not None:
            earlier.close()
        return Rebuilt(rebuilding.findings, statistics, put_in_place(place, file), earlier is not None)


class _Rebuilding:
    def __init__(
        self, data_dir: Path, settings: Settings, new: NewIndex, earlier: EarlierIndex | None
    ) -> None:
        self.findings = Findings()
        self._root = str(data_dir)
        self._new = new
        self._earlier = earlier
        changed = None if earlier is None else earlier.default_encoding
        self._reader = Reader(
            self._root, changed or settings.default_encoding, with_md5=settings.overwrite_instances.compares
        )

    def add_all(self, scratch: Path) -> None:
        """Read all files, and write their entries."""
        for keys in chunks(instance_keys(f"{self._root}/{PINNED}", completely=True)):
            self._settle_pinned(keys)
        with ThreadPoolExecutor(_THREADS, "read") as threads:
            for some in list_files(scratch, self._root, (OBJECTS, ORPHANS)):
                self._add(some, threads)

    def _add(self, files: Sequence[Found], threads: ThreadPoolExecutor) -> None:
        recorded: dict[str, ObjectRef] = {}
        standing: dict[str, ObjectRef] = {}
        if self._earlier is not None:
            doomed = self._earlier.doomed(file.key for file in files)
            files = [file for file in files if file.key not in doomed]
            recorded = self._earlier.versions_of(file.instance for file in files)
            standing = self._new.versions_of(file.instance for file in files)
        chosen: dict[str, InstanceEntry] = {}
        read = threads.map(lambda file: self._read(file, recorded.get(file.instance)), files)
        for file, entry in zip(files, read, strict=True):
            if isinstance(entry, Exception):
                self._leave_out(file, entry)
            elif not _is_settled(recorded, standing, file.instance) and self._adopt(file):
                standing[file.instance] = entry.object
                chosen[file.instance] = entry
        self._new.add(list(chosen.values()))

    def _read(self, file: Found, recorded: ObjectRef | None) -> _Read:
        is_the_same = recorded is not None and recorded.key == file.key
        try:
            return self._reader.entry(file, recorded if is_the_same else None)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one file brings about, the others are read
            return error

    def _leave_out(self, file: Found, error: Exception) -> None:
        if isinstance(error, PermissionError):  # of one file or of all: somebody else's folder
            raise error
        if isinstance(error, OSError):  # the disk: it may be read another time
            self.findings.unreadable += 1
            return
        set_aside(self._root, file.folder, file.key, DAMAGED)
        self.findings.damaged += 1

    def _adopt(self, file: Found) -> bool:
        is_in_place = adopt(self._root, file.folder, file.key)
        self.findings.adopted += is_in_place and file.folder == ORPHANS
        return is_in_place

    def _settle_pinned(self, keys: Sequence[str]) -> None:
        """Take back what an earlier index still has; of what was deleted, nothing comes back without one."""
        if self._earlier is None:
            for key in keys:
                set_aside(self._root, PINNED, key, DELETED)
            self.findings.deleted += len(keys)
            return
        held = {ref.key for ref in self._earlier.versions_of(map(product_of, keys)).values()}
        for key in held.intersection(keys) - self._earlier.doomed(keys):
            adopt(self._root, PINNED, key)


def _is_settled(recorded: dict[str, ObjectRef], standing: dict[str, ObjectRef], instance: str) -> bool:
    """Tell whether an instance has the version already that the old index names."""
    return instance in standing and instance in recorded and standing[instance] == recorded[instance]
