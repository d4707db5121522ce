"""What the rules of a scope mean for an element, by the bytes of its header.

A plan's rules (private, repeating groups, dictionary, paths) are asked once for each distinct
tag and VR; after that an element that stays costs one lookup. Nothing here depends on values,
keys or character sets, so it lives as long as the scope, which requests of one shape share.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from typing import Any

from dicomorph.dicom.engine import learnt
from dicomorph.dicom.engine.dummies import BY_VALUE
from dicomorph.dicom.engine.edit_plan import Action, Dummy, Scope
from dicomorph.dicom.engine.examination import EXAMINED
from dicomorph.dicom.engine.fitting_values import CHECKED
from dicomorph.dicom.engine.learnt import (
    Checks,
    EmptyElements,
    ItemRulesByKey,
    Rules,
    StepsBehind,
    StepsInAnyOrder,
    TopSteps,
)
from dicomorph.dicom.engine.step_kinds import (
    APPEND,
    CHARACTER_SET,
    CHECK_SHORT,
    DROP_LONG,
    DROP_SHORT,
    EDIT_LONG,
    EDIT_SHORT,
    EMPTY_LONG,
    EMPTY_SHORT,
    FOLLOW_SHORT,
    JUDGED,
    KEEP_LONG,
    KEEP_SHORT,
    PIXELS,
    REPLACE,
    SEQUENCE,
    STOP,
    UNKNOWN,
)
from dicomorph.dicom.frames.offset_elements import OFFSET_ELEMENTS
from dicomorph.dicom.frames.pixel_data import PIXEL_ELEMENTS
from dicomorph.dicom.standard.dictionary import is_private, vr_of
from dicomorph.dicom.standard.dummy_values import valid_vr
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET, format_tag
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS, TEXT_VRS
from dicomorph.dicom.stream.elements import (
    ITEM,
    Encoding,
    IrregularError,
)
from dicomorph.dicom.stream.source import Buffer

_DECLARING = (Action.KEEP, Action.REMOVE)  # of an item: what goes has said how its identifiers are read
_KEEPING = frozenset((Action.KEEP, Action.APPEND))  # nothing is added to what items have
_EDITED = frozenset((Action.MAP, Action.FOLLOW))
_FIRST_DATA_SET_TAG = 0x00080000  # what lies below is file meta, commands or a DICOMDIR
# VR to whether its length has 32 bits, and whether it is text
_KINDS = {vr: (vr in LONG_VRS, vr in TEXT_VRS) for vr in LONG_VRS | SHORT_VRS}


class Steps(dict[Any, int]):
    """The steps for the elements of one scope in one encoding.

    Parameters
    ----------
    scope : Scope
        The rules.
    encoding : Encoding
        How the elements are written.
    nested : bool
        Whether they stand in items.
    """

    def __init__(self, scope: Scope, encoding: Encoding, *, nested: bool) -> None:
        super().__init__()
        self.scope = scope
        self.encoding = encoding
        self.nested = nested
        self.top = TopSteps(self)
        self.examined = TopSteps(self, EXAMINED)  # the same, where values are noted
        self.first = StepsBehind(self, -1)
        self.in_any_order = StepsInAnyOrder(self, -1)
        self.behind: dict[int, StepsBehind] = {}  # by tag
        self.pairs = 0  # of an element and one behind it
        self.empty = EmptyElements(self)
        self.checks = Checks(self)
        self.rules = Rules(scope)
        self.character_set = self.rules[SPECIFIC_CHARACTER_SET].action
        self.item_rules = ItemRulesByKey(self)

    @classmethod
    def of(cls, scope: Scope, encoding: Encoding, *, nested: bool) -> Steps:
        """Return the steps that the scope remembers."""
        steps: Steps | None = scope.learnt.get(encoding)
        if steps is None:
            kind = _ExplicitSteps if encoding.explicit else _ImplicitSteps
            steps = scope.learnt[encoding] = kind(scope, encoding, nested=nested)
        return steps

    def __missing__(self, key: Any) -> int:
        """Work out the step for a key that was not met before."""
        step = self._work_out(key)
        if step != STOP or self._is_delimiter(key):
            if len(self) >= learnt.LEARNT:
                self.clear()
            self[key] = step
        return step

    def count_pair(self) -> None:
        """Count an element that was met behind another one, and forget them all if there are too many."""
        if self.pairs >= learnt.LEARNT:
            self.pairs = 0
            self.behind.clear()
            self.first.clear()
        self.pairs += 1

    def is_pixels(self, buffer: Buffer, pos: int) -> bool:
        """Tell whether the element at a position is pixel data to be looked into."""
        key = (
            buffer[pos : pos + 6]
            if self.encoding.explicit
            else int.from_bytes(buffer[pos : pos + 4], "little")
        )
        return self[key] == PIXELS

    @abstractmethod
    def tag_and_vr(self, key: Any) -> tuple[int, bytes]:
        """Return what a key consists of; no VR in implicit VR."""

    @abstractmethod
    def _work_out(self, key: Any) -> int:
        """Return the step for a key."""

    @abstractmethod
    def _is_delimiter(self, key: Any) -> bool:
        """Tell a delimiter from an item, whose length is part of the key."""

    def _changes_in_items(self, key: Any) -> bool:
        item_rules = self.item_rules[key]
        is_ruled = item_rules.scope is not None or item_rules.by_index
        return is_ruled or self.scope.follows(item_rules.tag)

    def _step(  # noqa: C901, PLR0911 - one for each step
        self, tag: int, *, long: bool, text: bool, has_identity: bool = False
    ) -> int:
        """Return the step for an element, as if it held no items.

        Parameters
        ----------
        long : bool
            Whether its length has 32 bits behind a VR.
        text : bool
            Whether it is text, as far as the file tells, and the dictionary where the VR is UN.
        has_identity : bool
            Whether its bytes are an identifier where the rules say so, whatever the VR.
        """
        rule = self.rules[tag]
        action = rule.action
        # Group lengths are retired (PS3.5 7.2), and wrong after an edit.
        if not tag & 0xFFFF or (not self.nested and tag < _FIRST_DATA_SET_TAG):
            return DROP_LONG if long else DROP_SHORT
        if tag == SPECIFIC_CHARACTER_SET and (not self.nested or action in _DECLARING):
            return CHARACTER_SET
        if action is Action.APPEND and not self.nested:
            return APPEND
        if action in _KEEPING:
            return KEEP_LONG if long else KEEP_SHORT
        if rule.dummy is not None:
            return _dummy_step(rule.dummy, long=long)
        if action is Action.JUDGE and self.nested:  # at the top level it was judged before
            return JUDGED
        if action is Action.REPLACE and not self.nested:  # items get replacements as insertions
            return REPLACE
        # Inside items, what is no text cannot be emptied and goes (spec 3.7).
        if action is Action.EMPTY and (text or not self.nested):
            return EMPTY_LONG if long else EMPTY_SHORT
        if action is Action.FOLLOW and self.nested and not long and (text or has_identity):
            return FOLLOW_SHORT
        if action in _EDITED and (text or has_identity):
            return EDIT_LONG if long else EDIT_SHORT
        return DROP_LONG if long else DROP_SHORT

    def _checks(self, tag: int, vr: bytes) -> bool:
        """Tell whether the value of a kept element must be one that the VR of its attribute can hold."""
        is_checked = self.scope.checks_values and valid_vr(tag, vr) in CHECKED
        return is_checked and self.scope.unfit(tag).action is not Action.KEEP

    def _pixels(self, tag: int, step: int) -> int:
        """Return the step for pixels that stay, and for what counts their bytes."""
        if self.nested and not self.scope.cleans_frames:
            return step
        if self.nested and tag in OFFSET_ELEMENTS:
            return DROP_LONG if step == KEEP_LONG else DROP_SHORT
        return PIXELS


def _dummy_step(dummy: Dummy, *, long: bool) -> int:
    if dummy.kind in BY_VALUE:
        return EDIT_LONG if long else EDIT_SHORT
    return EMPTY_LONG if long else EMPTY_SHORT


class _ExplicitSteps(Steps):
    """Steps by the six bytes of tag and VR."""

    def tag_and_vr(self, key: bytes) -> tuple[int, bytes]:
        group, element = struct.unpack_from(self.encoding.order + "HH", key)
        return group << 16 | element, key[4:]

    def _work_out(self, key: bytes) -> int:
        tag, vr = self.tag_and_vr(key)
        if tag >> 16 == ITEM >> 16:
            return STOP
        kind = _KINDS.get(vr)
        if kind is None:
            raise IrregularError(f"{format_tag(tag)} has no valid VR")
        long, text = kind
        if vr == b"SQ":
            step = self._step(tag, long=True, text=False)
            return SEQUENCE if step == KEEP_LONG and self._changes_in_items(key) else step
        known = vr_of(tag)
        if vr == b"UN":
            text = known.encode() in TEXT_VRS
        step = self._step(tag, long=long, text=text, has_identity=True)
        if tag in PIXEL_ELEMENTS and step in (KEEP_SHORT, KEEP_LONG):
            return self._pixels(tag, step)
        if step in (KEEP_SHORT, KEEP_LONG) and self._checks(tag, vr):
            return EDIT_LONG if long else CHECK_SHORT
        # A sequence is one under whatever VR it comes, one with a 16-bit length too.
        may_nest = step in (KEEP_SHORT, KEEP_LONG) and (vr == b"UN" or known == "SQ")
        return UNKNOWN if may_nest and self._changes_in_items(key) else step

    def _is_delimiter(self, key: bytes) -> bool:
        # The VR bytes are half of a length here: 0 for every delimiter that is one.
        return key[4:] == b"\0\0"


class _ImplicitSteps(Steps):
    """Steps by the four bytes of the tag, read as one little-endian number."""

    def tag_and_vr(self, key: int) -> tuple[int, bytes]:
        return (key & 0xFFFF) << 16 | key >> 16, b""

    def _work_out(self, key: int) -> int:
        tag, _ = self.tag_and_vr(key)
        if tag >> 16 == ITEM >> 16:
            return STOP
        vr = vr_of(tag)
        step = self._step(tag, long=False, text=vr.encode() in TEXT_VRS, has_identity=is_private(tag))
        if tag in PIXEL_ELEMENTS and step == KEEP_SHORT:
            return self._pixels(tag, step)
        if step == KEEP_SHORT and self._checks(tag, b""):
            return CHECK_SHORT
        # Whatever its VR, a kept element of undefined length is a sequence here.
        if step == KEEP_SHORT and vr in {"SQ", "UN"} and self._changes_in_items(key):
            return SEQUENCE if vr == "SQ" else UNKNOWN
        return step

    def _is_delimiter(self, key: int) -> bool:  # noqa: ARG002 - the key is nothing but a tag
        return True
