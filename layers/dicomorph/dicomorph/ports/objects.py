"""The port of the object store.

An object is written once under a key that is never used again for other bytes, so every
write is idempotent: a retried or duplicated call stores the same bytes under the same key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import Source
from dicomorph.model.resources import ObjectRef


class ObjectStore(Protocol):
    """Where DICOM files and the documents of jobs lie.

    All methods raise `TransientError` when the store is throttled or away. Those that read an
    object raise `UnknownResourceError` when it does not exist, and `CorruptedFileError` when it has
    another size than its reference says. The references that are returned have a CRC-32; a
    caller who knows it already, since he has derived it, spares the store the reading.

    Parameters
    ----------
    keeps_versions : bool
        Whether what was discarded stays readable for whoever has pinned it, without being told
        that somebody has.
    scratch : FileScratch
        Where what files unfold to is kept while somebody works on them.
    """

    keeps_versions: bool
    scratch: FileScratch

    def check_room(self, size: int) -> None:
        """Do nothing if there is room for so many bytes more; a look, nothing is reserved.

        Raises
        ------
        StorageFullError
            If there is none, by the quota or by the free space that is to be kept.
        """

    def put(self, key: str, data: bytes, *, crc32: int | None = None) -> ObjectRef:
        """Store bytes. An object is visible whole or not at all.

        Raises
        ------
        StorageFullError
            If no space is left, or to be left; nothing is visible under `key` then.
        CorruptedFileError
            If the bytes pass through this process, and do not have the CRC-32 that they should.
        """

    def put_file(self, key: str, path: str) -> ObjectRef:
        """Store a local file, of any size, without holding it in memory.

        The store may take the file itself: it must not be written to any more, and removing it
        under its old name is left to the caller.
        """

    def put_edited(
        self,
        key: str,
        source: ObjectRef,
        script: EditScript,
        *,
        crc32: int | None = None,
        opened: Source | None = None,
    ) -> ObjectRef:
        """Store what an edit script makes of a stored object, ranges copied without decoding.

        Parameters
        ----------
        opened : Source, optional
            The source, if the caller has it open: what was read of it is not fetched once more.
        """

    def put_script(
        self, key: str, source: Source, script: EditScript, *, crc32: int | None = None
    ) -> ObjectRef:
        """Store what an edit script makes of an object of another store, in bounded memory.

        Where both stores are buckets, ranges need not pass through this process.
        """

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
        """Return a URL from which a client can fetch, once and soon, what a script makes of an object.

        Errors as in `put_edited`; what is stored under the key is the store's affair.
        """

    def open(self, ref: ObjectRef) -> Source:
        """Open a stored object for reading at any position.

        A reference that was pinned before its object was deleted can still be opened while
        the job that pinned it lives (`discard`).
        """

    def checksum(self, ref: ObjectRef) -> int:
        """Return the CRC-32 of a stored object as it is now.

        Files are read for it; S3, which compares what it keeps by itself, is asked for its own.
        """

    def get(self, key: str) -> bytes | None:
        """Return the newest bytes under a key (small documents), None if there are none."""

    def are_stored(self, refs: Sequence[ObjectRef]) -> bool:
        """Tell whether there is an object under each key as it was stored: no one was discarded.

        Sizes are compared, and on S3 checksums.
        """

    def sync(self, refs: Iterable[ObjectRef]) -> None:
        """Make objects survive a power cut, with their names; of those that are gone, their absence.

        For many at once, it costs hardly more than for one.
        """

    def discard(self, refs: Iterable[ObjectRef], *, pinned: bool) -> None:
        """Delete objects; unknown ones are ignored.

        With `pinned`, a job is alive that may have pinned them: the bytes stay readable through
        `open` until they are discarded without it (files), or until deleted versions expire (S3).
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """Return all keys that start with a prefix, in ascending order."""

    def link(self, ref: ObjectRef, *, file_name: str) -> str:
        """Return a URL from which a client can fetch the object for a short time."""
