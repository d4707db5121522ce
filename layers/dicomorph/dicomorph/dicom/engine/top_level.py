"""The walk over the top level of a data set, through a window that need not hold the whole file."""

from __future__ import annotations

import re
import struct
from typing import Any

from dicomorph.dicom.engine.edit_plan import Action
from dicomorph.dicom.engine.encoded_scope import SHORT_ELEMENT, EncodedScopes
from dicomorph.dicom.engine.examination import MOST_NOTED, Examination
from dicomorph.dicom.engine.learnt import TopSteps
from dicomorph.dicom.engine.reference_walk import ReferenceWalk
from dicomorph.dicom.engine.step_kinds import (
    APPEND,
    CHANGES,
    CHARACTER_SET,
    CHECK_SHORT,
    DROP_LONG,
    DROP_SHORT,
    EDIT_LONG,
    EDIT_SHORT,
    EMPTY_LONG,
    EMPTY_SHORT,
    IMAGE,
    KEEP_LONG,
    KEEP_SHORT,
    LOOK_CHECKED,
    LOOK_DROPPED,
    LOOK_SHORT,
    NOTE,
    NOTED,
    PIXELS,
    REPLACE,
    STOP,
)
from dicomorph.dicom.engine.top_level_appending import TopLevelAppending
from dicomorph.dicom.frames.image_pixel import IMAGE_PIXEL, LONGEST_NUMBER
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.dicom.standard.vrs import LONG_VRS
from dicomorph.dicom.stream.edit_script import ScriptPart
from dicomorph.dicom.stream.elements import (
    UNDEFINED_LENGTH,
    TruncatedError,
    misplaced,
    out_of_order,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.scan import read_values
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.remarks import Remark

_NEVER = 1 << 40
_LONGEST_READ = 16 << 20  # bytes of an element; no value of a checked VR is as long, and no keyed one
_HOLDS_ITEMS = re.compile(rb"\xfe\xff\x00\xe0|\xff\xfe\xe0\x00")  # in either byte order
_KEEPS = frozenset((KEEP_SHORT, KEEP_LONG))
_EDITS = frozenset((EDIT_SHORT, EDIT_LONG))
_EMPTIES = frozenset((EMPTY_SHORT, EMPTY_LONG))
_EXPLICIT = {order: struct.Struct(order + "6sH").unpack_from for order in "<>"}
_IMPLICIT = {order: struct.Struct(order + "II").unpack_from for order in "<>"}
_LONG = {order: struct.Struct(order + "I").unpack_from for order in "<>"}


class TopLevel(TopLevelAppending):
    """One walk over one data set.

    Parameters
    ----------
    data, scopes, signed, references
        As for `TopLevelItems`.
    """

    def __init__(
        self,
        data: DataSetBytes,
        scopes: EncodedScopes,
        *,
        signed: bool | None = None,
        references: ReferenceWalk | None = None,
    ) -> None:
        super().__init__(data, scopes, signed=signed, references=references)
        self.sop_class_uid = b""
        self.sop_instance_uid = b""
        self._noted: dict[int, bytes] = {}
        self._unknown: set[int] = set()  # of what was noted, with the VR UN
        self._data = data
        self._pos = data.start
        self._long_length = _LONG[data.encoding.order]
        plan = scopes.rewriting.plan
        self._is_examined = plan.examiner is not None
        self._inserts = sorted(plan.replace.keys() | plan.appended.keys() | plan.required, reverse=True)

    @property
    def remarks(self) -> frozenset[Remark]:
        """What is to be said of the output."""
        found = self._pixels.remarks
        if self._rewriting.unreadable:
            found |= {Remark.UNREADABLE_SEQUENCES}
        if self._rewriting.unfit:
            found |= {Remark.UNFIT_VALUES}
        return found

    @property
    def examination(self) -> Examination:
        """What was noted of the original."""
        syntax, has_pixels = self._data.transfer_syntax, self._pixels.has_pixels
        return Examination(self._noted, self._unknown, self._encoding, syntax, has_pixels)

    @property
    def original_sop_class(self) -> bytes:
        """The value of SOPClassUID that the walk met, with its padding; empty if there was none."""
        return self._noted.get(SOP_CLASS_UID, b"")

    def rewrite(self) -> list[ScriptPart]:  # noqa: C901, PLR0912, PLR0915 - hot loop
        """Walk to the end; return the parts of the edited data set."""
        explicit = self._encoding.explicit
        unpack = (_EXPLICIT if explicit else _IMPLICIT)[self._encoding.order]
        long_length = self._long_length
        size, encoded, last, out = self._size, self._encoded, -1, self._out
        known, substitutes, described_by = self._known(), encoded.substitutes, self._pixels.described_by
        noted, fitting = self._noted, encoded.fitting
        next_insert = self._inserts[-1] if self._inserts else _NEVER
        pos = self._pos
        window = self._window
        buffer, base, last_covered = window.buffer, window.base, window.last_header
        last_start = size - 8  # of an element
        while pos <= last_start:
            if pos > last_covered:
                window.move(pos)
                buffer, base, last_covered = window.buffer, window.base, window.last_header
            key, length = unpack(buffer, pos - base)
            step, tag = known[key]
            if tag <= last:
                if not tag and window.only_padding_from(pos):
                    break
                raise out_of_order(tag)
            last = tag
            if tag < next_insert and length != UNDEFINED_LENGTH:
                if not step:
                    pos += 8 + length
                    continue
                if step == CHECK_SHORT and length < SHORT_ELEMENT:
                    start = pos - base
                    stop = start + 8 + length
                    if buffer[start:stop] in fitting or (
                        stop <= len(buffer) and encoded.checked(buffer, start, stop, key) is None
                    ):
                        pos += 8 + length
                        continue
                elif step == DROP_SHORT or step == EMPTY_SHORT:  # noqa: PLR1714, SIM109 - costs no tuple
                    if self._run < pos:
                        out.append((self._run, pos))
                    if step == EMPTY_SHORT:
                        out.append(substitutes[key])
                    self._run = pos = pos + 8 + length
                    continue
                elif step == KEEP_LONG or step == DROP_LONG:  # noqa: PLR1714, SIM109 - as above
                    (length,) = long_length(buffer, pos - base + 8)
                    if length != UNDEFINED_LENGTH:
                        if step == DROP_LONG:
                            if self._run < pos:
                                out.append((self._run, pos))
                            self._run = pos + 12 + length
                        pos += 12 + length
                        continue
                elif step == IMAGE and length <= LONGEST_NUMBER:
                    described_by[tag] = buffer[pos - base : pos - base + 8 + length]
                    pos += 8 + length
                    continue
                elif step == LOOK_CHECKED and length < SHORT_ELEMENT:
                    if buffer[pos - base : pos - base + 8 + length] in fitting:
                        noted[tag] = window.read(pos + 8, pos + 8 + length)
                        pos += 8 + length
                        continue
                elif LOOK_SHORT <= step < LOOK_CHECKED and length <= LONGEST_NUMBER:
                    noted[tag] = window.read(pos + 8, pos + 8 + length)
                    if step == LOOK_DROPPED:
                        if self._run < pos:
                            out.append((self._run, pos))
                        self._run = pos + 8 + length
                    pos += 8 + length
                    continue
            self._pos = pos
            if tag >= next_insert:
                self._insert_before(tag)
                next_insert = self._inserts[-1] if self._inserts else _NEVER
            pos = self._element(key, step, tag, length)
            if step == CHARACTER_SET:
                encoded = self._encoded
                known, substitutes, fitting = self._known(), encoded.substitutes, encoded.fitting
            buffer, base, last_covered = window.buffer, window.base, window.last_header
        if pos != size and not (pos < size and window.only_padding_from(pos)):  # some writers pad files
            what = "The data set" if last < 0 else format_tag(last)
            message = f"{what} is longer than the file"
            raise TruncatedError(message)
        self._pos = pos
        self._insert_before(_NEVER)
        self._copy_run(pos)
        return self._out

    def _known(self) -> TopSteps:
        steps = self._encoded.steps
        return steps.examined if self._is_examined else steps.top

    def _insert_before(self, tag: int) -> None:
        """Emit what the plan requires and the file lacks, up to a tag."""
        while self._inserts and self._inserts[-1] < tag:
            missing = self._inserts.pop()
            self._copy_run(self._pos)
            self._run = self._pos
            self._emit(missing, self._missing(missing))
        if self._inserts and self._inserts[-1] == tag:
            self._inserts.pop()

    def _missing(self, tag: int) -> bytes:
        """Return what the plan requires and the file lacks."""
        if tag == PATIENT_ID and self._encoded.steps.rules[tag].action is Action.MAP:
            return self._patient_id_of_study(b"LO")
        return self._encoded.missing(tag)

    def _emit(self, tag: int, element: bytes) -> None:
        self._out.append(element)
        if tag == SOP_CLASS_UID:
            self.sop_class_uid = self._value_of(element)
        elif tag == SOP_INSTANCE_UID:
            self.sop_instance_uid = self._value_of(element)

    def _value_of(self, element: bytes) -> bytes:
        long = self._encoding.explicit and element[4:6] in LONG_VRS
        return element[12 if long else 8 :].rstrip(b"\0 ")

    def _element(  # noqa: C901, PLR0911, PLR0912 - a case a step
        self, key: Any, step: int, tag: int, length: int
    ) -> int:
        """Handle an element that is not simply skipped; return where the next one begins."""
        pos = self._pos
        value, length, vr = self._header(key, pos, length)
        if step >= LOOK_SHORT:
            step = self._encoded.steps[key]
            self._note_original(tag, vr, value, length)
        elif NOTE <= step <= IMAGE:
            step = self._encoded.steps[key]
            if tag == SOP_CLASS_UID:
                self._note_original(tag, vr, value, length)
            if tag not in NOTED:
                self._note_image(tag, step)
            elif step < DROP_SHORT:  # kept, maybe as UN
                stop = self._stop(tag, vr, value, length)
                self._note_kept(tag, value, stop)
                return stop
        if step in CHANGES:
            stop = self._stop(tag, vr, value, length)
            self._copy_run(pos)
            self._run = stop
            if step == REPLACE:
                self._emit(tag, self._encoded.replacement(tag, vr))
            elif step in _EDITS:
                self._emit(tag, self._edited(key, tag, pos, value, stop))
            elif step in _EMPTIES:
                self._emit(tag, self._encoded.substitutes[key])
            return stop
        if step in _KEEPS:  # a sequence of undefined length, too, in which nothing changes
            return self._stop(tag, vr, value, length)
        if step == CHARACTER_SET:
            return self._character_set(tag, vr, pos, value, length)
        if step == PIXELS:
            return self._pixel_data(tag, vr, pos, value, length)
        if step == CHECK_SHORT:
            return self._check(key, tag, vr, pos, value, length)
        if step == APPEND:
            return self._append(key, tag, vr, pos, value, length)
        if step == STOP:
            raise misplaced()
        return self._sequence(key, step, tag, vr, pos, value, length)

    def _header(self, key: Any, pos: int, length: int) -> tuple[int, int, bytes]:
        """Return where the value begins, its length and the VR."""
        if not self._encoding.explicit:
            return pos + 8, length, b""
        vr: bytes = key[4:6]
        if vr not in LONG_VRS:
            return pos + 8, length, vr
        (length,) = self._long_length(self._window.read(pos + 8, pos + 12))
        return pos + 12, length, vr

    def _edited(self, key: Any, tag: int, pos: int, value: int, stop: int) -> bytes:
        if stop - pos > _LONGEST_READ:
            return self._long_edited(key, tag, pos, stop)
        whole = self._window.read(pos, stop)
        if tag == PATIENT_ID and not whole[value - pos :].strip(b" \0"):
            return self._patient_id_of_study(self._encoded.steps.tag_and_vr(key)[1])
        return self._encoded.edits.get(whole) or self._encoded.edit(whole, key)

    def _long_edited(self, key: Any, tag: int, pos: int, stop: int) -> bytes:
        """Return what takes the place of an element that is longer than any that is looked at."""
        action = self._encoded.steps.rules[tag].action
        if action is Action.KEEP:
            return self._encoded.unfit(self._window.read(pos, pos + _LONGEST_READ), key)
        is_whole = action is Action.MAP or action is Action.FOLLOW
        return self._encoded.edit(self._window.read(pos, stop if is_whole else pos + _LONGEST_READ), key)

    def _patient_id_of_study(self, vr: bytes) -> bytes:
        """Return what takes the place of an empty PatientID: patients without one may be anybody."""
        wanted = {STUDY_INSTANCE_UID}
        found = read_values(self._data, wanted, default_encoding="Ascii")
        study = found.get(STUDY_INSTANCE_UID, "").strip(" \0")
        identities = self._encoded.rewriting.identities
        return identities.patient_id_of_study(self._encoding, PATIENT_ID, vr, study)

    def _note_kept(self, tag: int, value: int, stop: int) -> None:
        """Remember a value that stays; it is copied with the run around it."""
        kept = self._window.read(value, stop).rstrip(b"\0 ")
        if _HOLDS_ITEMS.search(kept):  # readers would open them
            raise BadFileFormatError(f"{format_tag(tag)} is no UID")
        if tag == SOP_CLASS_UID:
            self.sop_class_uid = kept
        else:
            self.sop_instance_uid = kept

    def _note_original(self, tag: int, vr: bytes, value: int, length: int) -> None:
        """Remember what a value was, whatever becomes of it; of a long one, the beginning."""
        if vr == b"UN":
            self._unknown.add(tag)
        self._noted[tag] = self._window.read(value, min(value + min(length, MOST_NOTED), self._size))

    def _check(self, key: Any, tag: int, vr: bytes, pos: int, value: int, length: int) -> int:
        """Keep an element if its VR can hold its value, and let the rules decide if not."""
        stop = self._stop(tag, vr, value, length)
        whole, instead = self._checked(key, pos, stop)
        if instead is not None:
            self._copy_run(pos)
            self._run = stop
            self._emit(tag, instead)
        elif tag in NOTED:
            self._note_kept(tag, value, stop)
        elif tag in IMAGE_PIXEL:
            self._pixels.described_by[tag] = whole
            return stop
        if tag in IMAGE_PIXEL:
            self._pixels.is_described = False
        return stop

    def _checked(self, key: Any, pos: int, stop: int) -> tuple[bytes, bytes | None]:
        """Return a kept element, and what takes its place if its VR cannot hold its value."""
        whole = self._window.read(pos, min(stop, pos + _LONGEST_READ))
        if stop - pos > _LONGEST_READ:
            return whole, self._encoded.unfit(whole, key)
        return whole, self._encoded.checked(whole, 0, len(whole), key)

    def _note_image(self, tag: int, step: int) -> None:
        """Note that not all that describes the pixels is at hand, or that an overlay may be in them."""
        if step == CHECK_SHORT:
            return
        if tag in IMAGE_PIXEL:
            self._pixels.is_described = False
        elif step >= DROP_SHORT:
            self._pixels.has_overlays = True

    def _character_set(self, tag: int, vr: bytes, pos: int, value: int, length: int) -> int:
        """Note the character set, and do to the element what the plan says."""
        stop = self._stop(tag, vr, value, length)
        raw = self._window.read(value, stop)
        self._encoded = encoded = self._encoded.under(raw)
        action = encoded.steps.character_set
        instead = encoded.rewriting.declaration(raw) if action is Action.KEEP else None
        if action is not Action.KEEP or instead is not None:
            self._copy_run(pos)
            self._run = stop
        if instead:
            self._emit(tag, encoded.declaring(instead))
        if action is Action.REPLACE:
            self._emit(tag, encoded.replacement(tag))
        return stop
