"""What writes new identifiers in the place of original ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.vrs import TEXT_VRS
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.encoder import ValueEncoder
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

References: TypeAlias = Mapping[tuple[Namespace, str], Json]
Editor: TypeAlias = Callable[[bytes], bytes]  # from a whole element to the one that takes its place

_LONGEST = 0xFFFF  # bytes in a value whose length has 16 bits


class Writing(NamedTuple):
    """How the elements of a data set are written.

    Parameters
    ----------
    encoding : Encoding
        Of their headers.
    decoding, encoding_text : CharacterSet
        Of the original, and of replacements (they differ where the request relabels).
    signed : bool or None
        Whether pixel values are; None where no data set around says so, or nobody asks.
    """

    encoding: Encoding
    decoding: CharacterSet
    encoding_text: CharacterSet
    signed: bool | None = None


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
        self._uid_editors: dict[tuple[int, Namespace, bytes, Encoding], Editor] = {}

    def editor(self, writing: Writing, tag: int, vr: bytes, namespace: Namespace) -> Editor:
        """Return what edits an element with this header; one that is no text gets its dictionary VR."""
        if namespace is Namespace.PATIENT:
            return self._patient_id_editor(writing, tag, vr)
        if writing.encoding.explicit and vr not in TEXT_VRS:
            return self._unknown_uid_editor(writing, tag, vr, namespace)
        key = id(self._mapper.uids(namespace, tag)), namespace, vr, writing.encoding
        editor = self._uid_editors.get(key)
        if editor is None:
            editor = self._uid_editors[key] = self._uid_editor(writing.encoding, tag, vr, namespace)
        return editor

    def absent_uid(self, encoding: Encoding, tag: int, namespace: Namespace) -> bytes:
        """Return the element for a UID that a file lacks and its product must have."""
        uid = self._mapper.absent_uid(namespace, tag)
        return encoding.element(tag, b"UI", uid + b"\0" if len(uid) & 1 else uid)

    def patient_id_of_study(self, encoding: Encoding, tag: int, vr: bytes, study_instance_uid: str) -> bytes:
        """Return the element that stands for no PatientID in a study; it is empty if that has no UID."""
        written = vr if vr in TEXT_VRS else vr_of(tag).encode()
        new = self._mapper.patient_id_of_study(study_instance_uid) if study_instance_uid else ""
        return encoding.element(tag, written, new.encode("ascii"))

    def _patient_id_editor(self, writing: Writing, tag: int, vr: bytes) -> Editor:
        encoding, decoding, text, _ = writing
        size, _ = encoding.length_field(vr)
        written = vr if vr in TEXT_VRS else vr_of(tag).encode()

        def edit(whole: bytes) -> bytes:
            original = decoding.decode(whole[size:]).strip(" \0")
            if not original:
                return encoding.element(tag, written, b"")
            reference = Namespace.PATIENT, original
            if reference in self._references:  # maybe by nothing: null
                return self._encoder.element(tag, self._references[reference], encoding, text)
            return encoding.element(tag, written, self._mapper.patient_id(original).encode("ascii"))

        return edit

    def _unknown_uid_editor(self, writing: Writing, tag: int, vr: bytes, namespace: Namespace) -> Editor:
        known = vr_of(tag).encode()
        size, _ = writing.encoding.length_field(vr)
        header = writing.encoding.header(tag, known, 0)
        edit = self._uid_editor(writing.encoding, tag, known, namespace)
        return lambda whole: edit(header + whole[size:])

    def _uid_editor(self, encoding: Encoding, tag: int, vr: bytes, namespace: Namespace) -> Editor:
        pad = b" " if vr not in (b"UI", b"") else b"\0"
        uids = self._mapper.uids(namespace, tag)
        is_shared = self._mapper.one_namespace
        replaced = {
            original.encode("latin-1", "replace"): new.encode("latin-1", "replace")
            if isinstance(new, str)
            else b""
            for (of, original), new in self._references.items()
            if of is namespace or (is_shared and of is not Namespace.PATIENT)
        }
        size, length = encoding.length_field(vr)
        before, pack = size - length.size, length.pack

        def edit(whole: bytes) -> bytes:
            original = whole[size:].strip(b" \0")
            if b"\\" in original or not original.isascii():
                new = rare(original)
            elif original:
                new = replaced[original] if original in replaced else uids[original]
            else:
                new = original  # nobody's: two that are empty are not the same
            if len(new) & 1:
                new += pad
            return whole[:before] + pack(len(new)) + new

        def rare(original: bytes) -> bytes:
            parts = (part.strip(b" \0") for part in original.split(b"\\"))
            new = b"\\".join(
                replaced[part]
                if part in replaced
                else uids[part.decode("latin-1").encode("utf-8")]
                if part
                else part
                for part in parts
            )
            if len(new) >= _LONGEST and length.size == 2:  # noqa: PLR2004 - bytes
                raise BadFileFormatError("An element has more UIDs than their replacements leave room for")
            return new

        return edit
