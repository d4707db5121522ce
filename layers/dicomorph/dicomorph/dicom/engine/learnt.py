"""What is learnt of the elements that were met: their steps by what they stand behind, and the like."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, Protocol

from dicomorph.dicom.engine.edit_plan import Rule, Scope
from dicomorph.dicom.engine.fitting_values import fits
from dicomorph.dicom.engine.step_kinds import (
    CHECK_SHORT,
    DROP_SHORT,
    IMAGE,
    KEEP_SHORT,
    LOOK,
    LOOK_CHECKED,
    LOOK_DROPPED,
    LOOK_SHORT,
    NOTE,
    NOTED,
    STOP,
)
from dicomorph.dicom.frames.image_pixel import IMAGE_PIXEL
from dicomorph.dicom.frames.overlay_bits import is_bit_position
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.dummy_values import valid_vr
from dicomorph.dicom.stream.elements import (
    IMPLICIT_LITTLE,
    Encoding,
    out_of_order,
)

# Keys of the zeros and of the bytes FF behind a data set: tag 0, out of order wherever they stand. (Zeros in
# implicit VR are tag 0 as they are.)
_PADDING = frozenset((bytes(6), 0xFFFFFFFF, b"\xff" * 6))
_LOOKS = {KEEP_SHORT: LOOK_SHORT, DROP_SHORT: LOOK_DROPPED, CHECK_SHORT: LOOK_CHECKED}
LEARNT = 5_000  # hostile files must not grow what outlives them without bound


class StepsOfScope(Protocol):
    """What is learnt of the steps of a scope (`steps.Steps`)."""

    scope: Scope
    encoding: Encoding
    nested: bool
    behind: dict[int, StepsBehind]

    def __getitem__(self, key: Any, /) -> int: ...
    def __contains__(self, key: Any, /) -> bool: ...
    def tag_and_vr(self, key: Any) -> tuple[int, bytes]:
        """Return what an element is, by the key of its step."""

    def count_pair(self) -> None:
        """Count that an element was met behind another one."""


class ItemRules(NamedTuple):
    """The rules for the items of a sequence.

    Parameters
    ----------
    tag : int
        Of the sequence.
    scope : Scope or None
        Of its first item, and of the others too unless `by_index`; None if nothing changes.
    by_index : bool
        Whether its items follow different rules.
    encoding : Encoding
        How its items are written.
    """

    tag: int
    scope: Scope | None
    by_index: bool
    encoding: Encoding


class Rules(dict[int, Rule]):
    """The rules for the tags that were met."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope

    def __missing__(self, tag: int) -> Rule:
        if len(self) >= LEARNT:
            self.clear()
        rule = self[tag] = self._scope.rule(tag)
        return rule


class StepsBehind(dict[Any, tuple[int, "StepsBehind"]]):
    """The steps for the elements of an item behind one with a certain tag, each with those behind it.

    What is out of order is noticed where it is first met: that elements stand as they should costs
    no comparison afterwards.
    """

    __slots__ = ("_steps", "_tag")

    def __init__(self, steps: StepsOfScope, tag: int) -> None:
        super().__init__()
        self._steps = steps
        self._tag = tag

    def __missing__(self, key: Any) -> tuple[int, StepsBehind]:
        steps = self._steps
        step = steps[key]
        if step == STOP and key not in steps:  # an item, which is misplaced
            return step, self
        steps.count_pair()
        found = self[key] = step, self if step == STOP else self._behind(key)
        return found

    def _behind(self, key: Any) -> StepsBehind:
        """Return the steps for what stands behind an element."""
        steps = self._steps
        tag, _ = steps.tag_and_vr(key)
        if tag <= self._tag:
            raise out_of_order(tag)
        behind = steps.behind.get(tag)
        if behind is None:
            behind = steps.behind[tag] = StepsBehind(steps, tag)
        return behind


class StepsInAnyOrder(StepsBehind):
    """The steps for the elements of an item, whatever they stand behind."""

    __slots__ = ()

    def __missing__(self, key: Any) -> tuple[int, StepsBehind]:
        if len(self) >= LEARNT:
            self.clear()
        found = self[key] = self._steps[key], self
        return found


class TopSteps(dict[Any, tuple[int, int]]):
    """The step and the tag for each key at the top level.

    Parameters
    ----------
    examined : AbstractSet[int]
        The tags whose values are noted.
    """

    def __init__(self, steps: StepsOfScope, examined: AbstractSet[int] = frozenset()) -> None:
        super().__init__()
        self._steps = steps
        self._examined = examined

    def __missing__(self, key: Any) -> tuple[int, int]:
        if key in _PADDING:
            tag, step = 0, DROP_SHORT
        else:
            (tag, _), step = self._steps.tag_and_vr(key), self._steps[key]
        if len(self) >= LEARNT:
            self.clear()
        found = self[key] = self._noting(tag, step), tag
        return found

    def _noting(self, tag: int, step: int) -> int:
        if tag in NOTED:
            return NOTE
        if tag in self._examined:
            return _LOOKS.get(step, LOOK)
        if self._steps.scope.cleans_frames:
            if tag in IMAGE_PIXEL:
                return IMAGE if step == KEEP_SHORT else NOTE
            if is_bit_position(tag):
                return NOTE
        return step


class EmptyElements(dict[Any, bytes]):
    """The elements without a value that take the place of those that were met."""

    def __init__(self, steps: StepsOfScope) -> None:
        super().__init__()
        self._steps = steps

    def __missing__(self, key: Any) -> bytes:
        tag, vr = self._steps.tag_and_vr(key)
        # Spec 3.3, step 3: at the top level as the dictionary says, whatever the file does.
        if vr == b"UN" or not self._steps.nested:
            known = vr_of(tag)
            vr = vr if known == "UN" else known.encode()[:2]
        if len(self) >= LEARNT:
            self.clear()
        element = self[key] = self._steps.encoding.header(tag, vr, 0)
        return element


class Checks(dict[Any, tuple[int, Callable[[bytes], bool]]]):
    """For elements that stay if their VR can hold their value: the size of the header, and what tells."""

    def __init__(self, steps: StepsOfScope) -> None:
        super().__init__()
        self._steps = steps

    def __missing__(self, key: Any) -> tuple[int, Callable[[bytes], bool]]:
        tag, vr = self._steps.tag_and_vr(key)
        if len(self) >= LEARNT:
            self.clear()
        found = self[key] = self._steps.encoding.length_field(vr)[0], fits(valid_vr(tag, vr), vr)
        return found


class ItemRulesByKey(dict[Any, ItemRules]):
    """The rules for the items of each sequence that was met, by the key of its step."""

    def __init__(self, steps: StepsOfScope) -> None:
        super().__init__()
        self._steps = steps

    def __missing__(self, key: Any) -> ItemRules:
        tag, vr = self._steps.tag_and_vr(key)
        scope = self._steps.scope
        # UN: PS3.5 6.2.2
        encoding = IMPLICIT_LITTLE if vr == b"UN" else self._steps.encoding
        if len(self) >= LEARNT:
            self.clear()
        found = self[key] = ItemRules(tag, scope.of_item(tag, 0), scope.differs_by_index(tag), encoding)
        return found
