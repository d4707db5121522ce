"""Making the entry of a file that has none any more, with what an upload makes it of."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.text.charsets import ORTHANC_ENCODINGS
from dicomorph.dicom.views.description import Description, describe
from dicomorph.embedded.care.listing import Found
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.resources import InstanceEntry, ObjectRef
from dicomorph.services.entries import given_metadata, instance_entry

_SECOND = 1_000_000_000  # nanoseconds


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads stored files.

    Parameters
    ----------
    root : str
        The data folder.
    default_encoding : str
        Orthanc's name of the encoding of files that name none.
    with_md5 : bool
        Whether versions of an instance are told apart by it, so that uploads record it.
    """

    root: str
    default_encoding: str
    with_md5: bool

    def entry(self, found: Found, recorded: ObjectRef | None) -> InstanceEntry:
        """Return the entry of a file, received when it was stored, from nobody knows where.

        Parameters
        ----------
        recorded : ObjectRef, optional
            What an earlier index says of this very file. One that it vouches for may be of a form that
            uploads took once, and do no longer.

        Raises
        ------
        DicomorphError
            If it is not what its name says, damaged, or nothing that an upload would take.
        OSError
            If it cannot be read.
        """
        with _mapped(Path(f"{self.root}/{found.folder}/{found.key}")) as source:
            ref = ObjectRef(found.key, "", source.size, crc32_of(source))
            if recorded is not None and not _is_same(ref, recorded):
                raise BadFileFormatError("The stored file is not what was stored")
            description = self._description(source, found.instance, whole=recorded is None)
            md5 = _md5(source) if self.with_md5 else ""
        received = datetime.fromtimestamp(found.stored // _SECOND, UTC)
        return instance_entry(
            description,
            ancestry_of(description.identifiers),
            ref,
            md5=md5,
            metadata=given_metadata(received, remote_ip=""),
        )

    def _description(self, source: BufferSource, instance: str, *, whole: bool) -> Description:
        """Describe a file; who stored it may have had another default encoding, which the id depends on."""
        first = describe(source, default_encoding=self.default_encoding, whole=whole)
        if ancestry_of(first.identifiers).instance == instance:
            return first
        if not first.identifiers.patient_id.isascii():
            for encoding in ORTHANC_ENCODINGS:
                other = describe(source, default_encoding=encoding, whole=whole)
                if ancestry_of(other.identifiers).instance == instance:
                    return other
        raise BadFileFormatError("The file is another instance than its name says")


def _is_same(ref: ObjectRef, recorded: ObjectRef) -> bool:
    return recorded.size == ref.size and recorded.crc32 in (None, ref.crc32)


@contextmanager
def _mapped(path: Path) -> Iterator[BufferSource]:
    with path.open("rb") as stream:
        if not stream.seek(0, 2):  # nothing cannot be mapped
            raise BadFileFormatError("The file is empty")
        source = BufferSource(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        yield source
    finally:
        source.close()


def _md5(source: BufferSource) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for at in range(0, source.size, mmap.PAGESIZE << 8):
        digest.update(source.read(at, at + (mmap.PAGESIZE << 8)))
    return digest.hexdigest()
