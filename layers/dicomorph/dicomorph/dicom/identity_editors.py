"""What writes new identifiers in the place of original ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from dicomorph.dicom.charsets import CharacterSet
from dicomorph.dicom.dictionary import vr_of
from dicomorph.dicom.elements import Encoding
from dicomorph.dicom.tables import Editor, Table
from dicomorph.dicom.uids import IdentityMapper, Namespace
from dicomorph.dicom.values import ValueEncoder
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

References: TypeAlias = Mapping[tuple[Namespace, str], Json]

_LONGEST = 0xFFFF  # bytes in a value whose length has 16 bits


class IdentityEditors:
    """Makes editors of elements that hold identifiers.

    Parameters
    ----------
    mapper : IdentityMapper
        Where new identifiers come from.
    references : Mapping[tuple[Namespace, str], Json]
        Originals of replaced identifiers to their replacements (`EditPlan.references`).
    encoder : ValueEncoder
        Writes those replacements.
    """

    def __init__(self, mapper: IdentityMapper, references: References, encoder: ValueEncoder) -> None:
        self._mapper = mapper
        self._references = references
        self._encoder = encoder
        self._uid_editors: dict[tuple[Namespace, bytes, Encoding], Editor] = {}

    def editor(self, table: Table, tag: int, vr: bytes, namespace: Namespace) -> Editor:
        """Return what edits an element with this header; one that came as UN gets its dictionary VR."""
        if namespace is Namespace.PATIENT:
            return self._patient_id_editor(table, tag, vr)
        if vr == b"UN":
            return self._unknown_uid_editor(table.encoding, tag, namespace)
        key = namespace, vr, table.encoding
        editor = self._uid_editors.get(key)
        if editor is None:
            editor = self._uid_editors[key] = self._uid_editor(table.encoding, vr, namespace)
        return editor

    def _patient_id_editor(self, table: Table, tag: int, vr: bytes) -> Editor:
        decoding: CharacterSet = table.decoding
        encoding, text = table.encoding, table.encoding_text
        size, _ = encoding.length_field(vr)
        written = vr_of(tag).encode()[:2] if vr == b"UN" else vr

        def edit(whole: bytes) -> bytes:
            original = decoding.decode(whole[size:]).strip(" \0")
            replaced = self._references.get((Namespace.PATIENT, original))
            if replaced is not None:
                return self._encoder.element(tag, replaced, encoding, text)
            return encoding.element(tag, written, self._mapper.patient_id(original).encode("ascii"))

        return edit

    def _unknown_uid_editor(self, encoding: Encoding, tag: int, namespace: Namespace) -> Editor:
        vr = vr_of(tag).encode()[:2]
        size, _ = encoding.length_field(b"UN")
        edit = self._uid_editor(encoding, vr, namespace)
        return lambda whole: edit(encoding.header(tag, vr, 0) + whole[size:])

    def _uid_editor(self, encoding: Encoding, vr: bytes, namespace: Namespace) -> Editor:
        pad = b" " if vr not in (b"UI", b"") else b"\0"
        uids = self._mapper.uids(namespace)
        replaced = {
            original.encode("latin-1", "replace"): new.encode("latin-1", "replace")
            for (of, original), new in self._references.items()
            if of is namespace and isinstance(new, str)
        }
        size, length = encoding.length_field(vr)
        before, pack = size - length.size, length.pack

        def edit(whole: bytes) -> bytes:
            original = whole[size:].strip(b" \0")
            if b"\\" in original or not original.isascii():
                new = rare(original)
            else:
                new = replaced.get(original) or uids[original]
            if len(new) & 1:
                new += pad
            return whole[:before] + pack(len(new)) + new

        def rare(original: bytes) -> bytes:
            parts = (part.strip(b" \0") for part in original.split(b"\\"))
            new = b"\\".join(
                replaced.get(part) or uids[part.decode("latin-1").encode("utf-8")] for part in parts
            )
            if len(new) >= _LONGEST and length.size == 2:  # noqa: PLR2004 - bytes
                raise BadFileFormatError("An element has more UIDs than their replacements leave room for")
            return new

        return edit
