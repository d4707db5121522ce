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

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import MAXIMUM_INFLATED_SIZE, BufferSource, Source
from dicomorph.embedded.objects.errors import translated
from dicomorph.embedded.objects.folders import ABSENT, ORPHANS, PINNED, move_into, path_of, prune
from dicomorph.embedded.objects.modes import PRIVATE, give_mode, open_folders
from dicomorph.embedded.objects.naming import can_be_nameless, create_nameless, give_name
from dicomorph.embedded.objects.room import Room
from dicomorph.embedded.objects.spool import Spool
from dicomorph.embedded.objects.syncing import folders_above, sync_paths
from dicomorph.embedded.objects.taking import take_file
from dicomorph.embedded.objects.writing import copy_range, read_range, write_all, write_script
from dicomorph.model.object_keys import JOBS, RESULTS
from dicomorph.model.resources import ObjectRef

_MAPPED_FROM = 1 << 20  # below, reading costs less than mapping


class FileStore:
    """The port `ObjectStore` over a folder that several processes share.

    Parameters
    ----------
    root : Path
        Created if absent; readable by its owner only.
    sync : bool
        Whether each object survives a power cut as soon as it is stored, without `sync`. A
        killed process never loses one.
    objects : Path, optional
        Where the objects lie, if not in ``<root>/objects``; on the same file system.
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
        self._sync = sync
        self._mode = mode
        self._objects = str((objects or root / "objects").absolute())
        self._pinned = str(root / PINNED)
        self._aside = (self._pinned, str(root / ORPHANS))
        with translated():
            self._spool = Spool(root / "tmp")
            self._is_nameless = can_be_nameless(self._spool.path())
            Path(self._objects).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._room = room or Room(self._objects)
        self.scratch = FileScratch(
            self._spool.nameless, check_room=self._room.check_disk, largest_inflated=largest_inflated
        )

    def close(self) -> None:
        """Give back what the store holds. Closing twice is harmless."""
        self._spool.close()

    def check_room(self, size: int) -> None:
        """Do nothing if there is room for so many bytes more."""
        with translated():
            self._room.check(size)

    def put(self, key: str, data: bytes) -> ObjectRef:
        """Store bytes."""
        self._check(key, len(data))
        return self._write(key, lambda target: write_all(target, [data]))

    def put_file(self, key: str, path: str) -> ObjectRef:
        """Store a local file, of any size: itself where it can be had, else a copy."""
        with translated():
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(source).st_size
                self._check(key, size, on_disk=size)
                if self._take(key, path, source):
                    return ObjectRef(key, "", size)
                self._check(key, size)
                return self._write(key, lambda target: copy_range(target, source, 0, size))
            finally:
                os.close(source)

    def put_edited(self, key: str, source: ObjectRef, script: EditScript) -> ObjectRef:
        """Store what an edit script makes of a stored object, in bounded memory."""
        self._check(key, script.size)
        with translated():
            original = self._descriptor(source.key)
            try:
                ref = self._write(key, lambda target: write_script(target, original, script))
            finally:
                os.close(original)
        return ref

    def put_script(self, key: str, source: Source, script: EditScript) -> ObjectRef:
        """Store what an edit script makes of an object of another store, in bounded memory."""

        def fill(target: int) -> None:
            for chunk in script.chunks(source):
                write_all(target, [chunk])

        self._check(key, script.size)
        return self._write(key, fill)

    def open(self, ref: ObjectRef) -> Source:
        """Open a stored object: in memory if it is small, mapped into it if not."""
        with translated():
            descriptor = self._descriptor(ref.key)
            size = os.fstat(descriptor).st_size
            if size > _MAPPED_FROM:
                return MappedSource(descriptor, self.scratch)
            try:
                return BufferSource(read_range(descriptor, 0, size), self.scratch)
            finally:
                os.close(descriptor)

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, None if there are none."""
        path = path_of(self._objects, key)
        with translated():
            try:
                return Path(path).read_bytes()
            except ABSENT:
                return None

    def are_stored(self, refs: Sequence[ObjectRef]) -> bool:
        """Tell whether there is a file under each key."""
        return all(os.path.lexists(path_of(self._objects, ref.key)) for ref in refs)

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

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys that start with a prefix, in ascending order."""
        folder, _, name = prefix.rpartition("/")
        if folder:
            path_of(self._objects, folder)
            folder += "/"
        return self._keys(folder, name)

    def link(self, ref: ObjectRef, *, file_name: str) -> str:  # noqa: ARG002 - a file has its own name
        """Return a ``file://`` URL of a file that is there."""
        path = path_of(self._objects, ref.key)
        with translated():
            os.lstat(path)
        return Path(path).as_uri()

    def _keys(self, folder: str, name: str) -> Iterator[str]:
        # A folder sorts as its keys do: by its name and a slash.
        with translated():
            try:
                with os.scandir(os.path.join(self._objects, folder)) as entries:  # noqa: PTH118
                    found = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
            except ABSENT:
                return
        for entry in found:
            if not entry.startswith(name):
                continue
            if entry.endswith("/"):
                yield from self._keys(folder + entry, "")
            else:
                yield folder + entry

    def _descriptor(self, key: str) -> int:
        # In this order: as long as jobs run, an object is moved aside, never back.
        for folder in (self._objects, self._pinned):
            with suppress(*ABSENT):
                return os.open(path_of(folder, key), os.O_RDONLY | os.O_CLOEXEC)
        raise FileNotFoundError(errno.ENOENT, "No such object")

    def _check(self, key: str, size: int, *, on_disk: int = 0) -> None:
        """Raise `StorageFullError` if there is no room for an object, of which a part is on disk."""
        if key.startswith(JOBS):
            return
        with translated():
            self._room.check_disk(size - on_disk)
            if not key.startswith(RESULTS):
                self._room.check_quota(size)

    def _take(self, key: str, path: str, source: int) -> bool:
        target = path_of(self._objects, key)
        try:
            if not take_file(path, target, self._spool.path()):
                return False
            give_mode(source, self._mode)
            if self._sync:
                os.fsync(source)
        except BaseException:
            prune(target, self._objects)
            raise
        self._finish(target)
        return True

    def _finish(self, path: str) -> None:
        """Let the folders of a new object be as open as it is, and bring them to the disk."""
        if self._mode != PRIVATE:
            open_folders(path, self._objects, self._mode)
        if self._sync:
            sync_paths(sorted(folders_above([path], self._objects)))

    def _write(self, key: str, fill: Callable[[int], None]) -> ObjectRef:
        path = path_of(self._objects, key)
        write = self._write_nameless if self._is_nameless else self._write_aside
        with translated():
            size = write(path, fill)
            self._finish(path)
        return ObjectRef(key, "", size)

    def _write_nameless(self, path: str, fill: Callable[[int], None]) -> int:
        descriptor = create_nameless(os.path.dirname(path))  # noqa: PTH120 - a hot path
        try:
            size = self._fill(descriptor, fill)
            try:
                give_name(descriptor, path)
            except FileExistsError:  # the same bytes, or a document that is written anew
                temporary = self._spool.path()
                give_name(descriptor, temporary)
                move_into(temporary, path)
        except BaseException:
            prune(path, self._objects)
            raise
        finally:
            os.close(descriptor)
        return size

    def _write_aside(self, path: str, fill: Callable[[int], None]) -> int:
        temporary, descriptor = self._spool.create()
        try:
            try:
                size = self._fill(descriptor, fill)
            finally:
                os.close(descriptor)
            move_into(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108 - paths are text here
            raise
        return size

    def _fill(self, descriptor: int, fill: Callable[[int], None]) -> int:
        """Write a file; return its size."""
        fill(descriptor)
        if self._mode != PRIVATE:
            give_mode(descriptor, self._mode)
        if self._sync:
            os.fsync(descriptor)
        return os.fstat(descriptor).st_size


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
