"""Objects as files of one folder.

::

    <root>/objects/<key>   what is stored
    <root>/pinned/<key>    what was deleted while a job lived that has pinned it
    <root>/orphans/<key>   what a start found without anything that refers to it
    <root>/tmp/<process>/  what is being written, where a file must have a name

A file gets its name when it is finished, so an object is there whole or not at all, also
after `kill -9`. Where the file system knows no nameless files, it is written in ``tmp`` and
renamed. Folders are made and removed without a lock: whoever finds the folder gone
that he is about to rename into makes it again.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import MAXIMUM_INFLATED_SIZE, Source
from dicomorph.embedded.objects.composed_links import composition
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.finishing import FileWriter, Fill
from dicomorph.embedded.objects.folders import ABSENT, ORPHANS, PINNED, move_into, path_of, prune
from dicomorph.embedded.objects.modes import PRIVATE
from dicomorph.embedded.objects.naming import can_be_nameless
from dicomorph.embedded.objects.room import Room
from dicomorph.embedded.objects.spool import Spool
from dicomorph.embedded.objects.stored_files import StoredFiles
from dicomorph.embedded.objects.syncing import folders_above, sync_paths
from dicomorph.embedded.objects.writing import (
    copy_range,
    crc32_of_range,
    write_all,
    write_script,
)
from dicomorph.model.object_keys import JOBS, RESULTS
from dicomorph.model.resources import ObjectRef


class FileStore(StoredFiles):
    """The port `ObjectStore` over a folder that several processes share.

    Parameters
    ----------
    root : Path
        Created if absent; readable by its owner only.
    sync : bool
        Whether each object survives a power cut as soon as it is stored, without `sync`. A
        killed process never loses one.
    objects : Path, optional
        Where the objects lie, if not in ``<root>/objects``; on the same file system. Who fetches
        them there may take the folder away and leave another one; ``root`` must stay otherwise.
    room : Room, optional
        Asked before an object is written; by default there is room as long as the disk has some.
        Documents of jobs are written regardless: a job must be able to say that there is none.
    largest_inflated : int
        Bytes of the largest data set that is inflated to be looked at.
    mode : int
        The rights of objects; their folders may be entered by whoever may read these.
    """

    keeps_versions = False

    def __init__(
        self,
        root: Path,
        *,
        sync: bool = False,
        objects: Path | None = None,
        room: Room | None = None,
        largest_inflated: int = MAXIMUM_INFLATED_SIZE,
        mode: int = PRIVATE,
    ) -> None:
        root = root.absolute()
        folder = str((objects or root / "objects").absolute())
        self._aside = (str(root / PINNED), str(root / ORPHANS))
        with translated():
            self._spool = Spool(root / "tmp")
            is_nameless = can_be_nameless(self._spool.path())
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._room = room or Room(folder)
        scratch = FileScratch(
            self._spool.nameless, check_room=self._room.check_disk, largest_inflated=largest_inflated
        )
        super().__init__(folder, self._aside[0], scratch)
        self._writer = FileWriter(
            folder,
            self._spool,
            is_nameless=is_nameless,
            sync=sync,
            must_stay=objects is None,
            mode=mode,
        )

    def close(self) -> None:
        """Give back what the store holds. Closing twice is harmless."""
        self._spool.close()

    def check_room(self, size: int) -> None:
        """Do nothing if there is room for so many bytes more."""
        self._writer.check_folder()
        with translated():
            self._room.check(size)

    def put(self, key: str, data: bytes, *, crc32: int | None = None) -> ObjectRef:
        """Store bytes."""

        def fill(target: int) -> int:
            write_all(target, [data])
            return zlib.crc32(data) if crc32 is None else crc32

        self._check(key, len(data))
        return self._write(key, fill)

    def put_file(self, key: str, path: str) -> ObjectRef:
        """Store a local file, of any size: itself where it can be had, else a copy."""
        with translated():
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(source).st_size
                self._check(key, size, on_disk=size)
                if self._writer.take(source, path, path_of(self._objects, key)):
                    return ObjectRef(key, "", size, crc32_of_range(source, 0, size))
                self._check(key, size)

                def fill(target: int) -> int:
                    copy_range(target, source, 0, size)
                    return crc32_of_range(source, 0, size)

                return self._write(key, fill)
            finally:
                os.close(source)

    def put_edited(
        self,
        key: str,
        source: ObjectRef,
        script: EditScript,
        *,
        crc32: int | None = None,
        opened: Source | None = None,  # noqa: ARG002 - files are copied by the kernel, opened or not
    ) -> ObjectRef:
        """Store what an edit script makes of a stored object, in bounded memory."""
        self._check(key, script.size)
        with translated():
            original = self._descriptor(source)
            try:

                def fill(target: int) -> int:
                    return write_script(target, original, script, crc32=crc32)

                return self._write(key, fill)
            finally:
                os.close(original)

    def put_script(
        self, key: str, source: Source, script: EditScript, *, crc32: int | None = None
    ) -> ObjectRef:
        """Store what an edit script makes of an object of another store, in bounded memory."""

        def fill(target: int) -> int:
            found = 0
            for chunk in script.chunks(source):
                write_all(target, [chunk])
                found = zlib.crc32(chunk, found) if crc32 is None else crc32
            return found

        self._check(key, script.size)
        return self._write(key, fill)

    def put_answer(
        self,
        key: str,
        source: ObjectRef,
        script: EditScript,
        *,
        opened: Source,
        file_name: str,
        crc32: int | None = None,
    ) -> str:
        """Return a link to what a script makes of an object; nothing of a long range is copied for it."""
        found = composition(source.key, opened, script)
        if found is None:
            return self.link(self.put_edited(key, source, script, crc32=crc32), file_name=file_name)
        place, around = found
        return f"{self.link(self.put(key, around), file_name=file_name)}?{place.query()}"

    def sync(self, refs: Iterable[ObjectRef]) -> None:
        """Write objects to the disk, then the folders that name them, or do no longer."""
        paths = [path_of(self._objects, ref.key) for ref in refs]
        with translated():
            sync_paths(paths)
            sync_paths(sorted(folders_above(paths, self._objects)))

    def discard(self, refs: Iterable[ObjectRef], *, pinned: bool) -> None:
        """Delete objects; with `pinned`, move them aside, where `open` still finds them."""
        for ref in refs:
            path = path_of(self._objects, ref.key)
            with translated():
                if pinned:
                    with suppress(*ABSENT):
                        move_into(path, path_of(self._pinned, ref.key))
                else:
                    _unlink(path)
                    for folder in self._aside:  # after the first: an object is moved there meanwhile
                        _erase(f"{folder}/{ref.key}", folder)
                prune(path, self._objects)

    def _check(self, key: str, size: int, *, on_disk: int = 0) -> None:
        """Raise `StorageFullError` if there is no room for an object, of which a part is on disk."""
        if key.startswith(JOBS):
            return
        self._writer.check_folder()  # of one that is gone, nobody knows what is free
        with translated():
            self._room.check_disk(size - on_disk)
            if not key.startswith(RESULTS):
                self._room.check_quota(size)

    def _write(self, key: str, fill: Fill) -> ObjectRef:
        path = path_of(self._objects, key)
        with translated():
            size, crc32 = self._writer.write(path, fill)
        return ObjectRef(key, "", size, crc32)


def _erase(path: str, root: str) -> None:
    """Delete a file for good, with the folders below a root that it leaves empty."""
    if _unlink(path):
        sync_paths([os.path.dirname(path)])  # noqa: PTH120 - paths are text here
        prune(path, root)


def _unlink(path: str) -> bool:
    """Delete a file; tell whether there was one."""
    try:
        os.unlink(path)  # noqa: PTH108 - a hot path
    except ABSENT:
        return False
    return True
