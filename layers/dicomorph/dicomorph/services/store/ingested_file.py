"""What an upload is stored as: as it was sent, or converted (``IngestTranscoding``, or a rule on arrival)."""

from __future__ import annotations

import hashlib
import logging
from functools import cached_property

from dicomorph.dicom.stream.checksum import crc32_of
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.views.description import Description, describe
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.resources import Ancestry, ObjectRef
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.backend import Backend
from dicomorph.services.server.default_encoding import default_encoding
from dicomorph.services.store.uploaded_file import Upload
from dicomorph.services.transcoding import Transcoding, convert

_IN_MEMORY = 8 << 20  # bytes; beyond, the store takes it piece by piece
_logger = logging.getLogger(__name__)


class IngestedFile:
    """An upload as it is stored. It is converted when something of the result is asked for.

    The same upload is converted into the same bytes, by which it is told from another one.

    Parameters
    ----------
    source : Source
        The upload, open for as long as this is used.
    description : Description
        What the upload says of itself; its identifiers are those of what is stored.
    transcoding : Transcoding, optional
        What it is converted into, where it can be.
    """

    def __init__(
        self,
        backend: Backend,
        upload: Upload,
        source: Source,
        description: Description,
        transcoding: Transcoding | None,
    ) -> None:
        self._backend = backend
        self._transcoding = transcoding
        self._upload = upload
        self._source = source
        self._described = description

    @property
    def ancestry(self) -> Ancestry:
        """What it is stored as, and below what."""
        return ancestry_of(self._described.identifiers)

    @cached_property
    def description(self) -> Description:
        """What the stored file says of itself."""
        if self._script is None:
            return self._described
        return describe(self._stored, default_encoding=default_encoding(self._backend))

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._upload.size if self._script is None else self._script.size

    @cached_property
    def crc32(self) -> int:
        """The CRC-32 of all bytes."""
        return self._upload.crc32 if self._script is None else crc32_of(self._stored)

    @cached_property
    def md5(self) -> str:
        """The MD5 of all bytes, in hex."""
        if self._script is None:
            return self._upload.md5
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self._script.chunks(self._source):
            digest.update(chunk)
        return digest.hexdigest()

    def is_held_as(self, ref: ObjectRef) -> bool:
        """Tell whether a stored object is what this is stored as, or what was sent.

        The latter was stored before the setting was made.
        """
        return any((ref.size, ref.crc32) == (one.size, one.crc32) for one in (self, self._upload))

    def put(self, store: ObjectStore, key: str) -> ObjectRef:
        """Store it under a key."""
        script = self._script
        if script is None:
            return self._upload.put(store, key)
        if script.size <= _IN_MEMORY:
            return store.put(key, b"".join(script.chunks(self._source)))
        return store.put_script(key, self._source, script)

    @cached_property
    def _stored(self) -> Source:
        return self._source if self._script is None else EditedSource(self._source, self._script)

    @cached_property
    def _script(self) -> EditScript | None:
        conversion = convert(self._source, self._described, self._transcoding)
        if conversion.untranscoded:
            _logger.warning("IngestTranscoding, or a rule on arrival: one upload keeps its transfer syntax")
        return conversion.script
