"""Which private elements stay under the option to retain safe ones (PS3.15 E.3.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from dicomorph.deid.safe_private import safe_vr
from dicomorph.dicom.engine.block_characteristics import MOST, BlockCharacteristics
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, NO_VALUE, REMOVE, Action, Rule, Verdicts
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.engine.private_contents import PrivateContents
from dicomorph.dicom.standard.private_blocks import block_of, creator_of

_MAPPED = Rule(Action.MAP, Namespace.INSTANCE)
# What the data set itself asks for (PS3.3 C.12.1.1.7); what it cannot ask for goes.
_ACTIONS = {"D": DUMMY, "Z": NO_VALUE, "U": _MAPPED, "X": REMOVE}
_FORBIDDEN_GROUPS = frozenset((0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF))  # PS3.5 7.8.1
_NUMBERS = frozenset(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "DS", "IS", "AT"))
_BYTES = frozenset(("OB", "OW", "OF", "OD", "OL", "OV"))
_DECIMAL = frozenset(("DS", "IS"))
_NUMBERS_AS_TEXT = re.compile(rb"[-+0-9.eE\\ \0]*")
_LONGEST = 1 << 16  # bytes of a value that is looked at
_TEXT = frozenset(("CS", "LO", "SH", "LT", "ST", "UC", "UT"))


class SafePrivateJudge:
    """Judges the private elements of data sets by the table, and by what the data sets say themselves.

    That wins over the table: whoever made a file knows best what is in it. What is not said of a
    block that is spoken of in part may identify somebody.

    Parameters
    ----------
    declared : AbstractSet[BlockCharacteristics]
        What the data sets around say of private blocks.
    """

    __slots__ = ("_by_block", "_declared")

    def __init__(self, declared: AbstractSet[BlockCharacteristics] = frozenset()) -> None:
        self._declared = frozenset(declared)
        self._by_block: dict[tuple[int, str], list[BlockCharacteristics]] = {}
        for one in self._declared:
            self._by_block.setdefault((one.group, one.creator), []).append(one)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SafePrivateJudge) and self._declared == other._declared

    def __hash__(self) -> int:
        return hash(self._declared)

    def judge(self, contents: PrivateContents, stays: Callable[[int], bool | None]) -> Verdicts:
        """PrivateJudge one data set; what stays, stays with the creator of its block.

        Parameters
        ----------
        contents, stays
            As for `dicom.engine.edit_plan.PrivateJudge`.
        """
        inside = self._with(contents.declared)
        rules: dict[int, Rule] = {}
        blocks = set()
        for tag in contents.elements:
            block = block_of(tag)
            if block is None or tag >> 16 in _FORBIDDEN_GROUPS:
                continue
            is_kept = stays(tag)
            if is_kept is None:
                rule = inside.rule(tag, contents.creators[block], contents)
                is_kept = rule != REMOVE
                if is_kept:
                    rules[tag] = rule
            if is_kept:
                blocks.add(block)
        rules.update((creator_of(block), KEEP) for block in blocks)
        described = {(block >> 8, contents.creators[block]) for block in blocks}
        return Verdicts(
            tuple(sorted(rules.items(), key=_tag)),
            tuple(sorted(inside.described(described))),
            inside,
        )

    def described(self, blocks: AbstractSet[tuple[int, str]]) -> AbstractSet[tuple[int, str]]:
        """Return those blocks, by group and creator, that are spoken of."""
        return blocks & self._by_block.keys()

    def rule(self, tag: int, creator: str, contents: PrivateContents) -> Rule:
        """Return what happens to one element.

        Parameters
        ----------
        tag : int
            Its tag.
        creator : str
            That of its block, without padding; empty if there is none.
        contents : PrivateContents
            Where it stands.
        """
        if not creator:
            return REMOVE
        declared = self._by_block.get((tag >> 16, creator))
        if declared is not None:
            vr = contents.vr(tag)
            return _strictest(_declared_rule(one, tag & 0xFF, vr) for one in declared)
        known = safe_vr(creator, tag)
        if known is None:
            return REMOVE
        vr = contents.vr(tag)
        if known in _DECIMAL and vr in {"DS", "IS", "UN"} and not _is_number(contents.value(tag, _LONGEST)):
            return REMOVE
        return _kept(vr, known) if _fits(vr, known) else REMOVE

    def _with(self, declared: AbstractSet[BlockCharacteristics]) -> SafePrivateJudge:
        if declared <= self._declared:
            return self
        if len(declared) + len(self._declared) > MOST:  # nobody describes so many
            return self
        return SafePrivateJudge(self._declared | declared)


def _tag(entry: tuple[int, Rule]) -> int:
    return entry[0]


def _kept(*vrs: str) -> Rule:
    return _MAPPED if "UI" in vrs else KEEP


def _declared_rule(declared: BlockCharacteristics, low: int, vr: str) -> Rule:
    actions = {action for number, action in declared.actions if number == low}
    if actions:
        return _strictest(_ACTIONS.get(action, REMOVE) for action in actions)
    is_safe = declared.status == "SAFE" or (declared.status == "MIXED" and low in declared.nonidentifying)
    return _kept(vr) if is_safe else REMOVE


_STRICT = (REMOVE, NO_VALUE, DUMMY, _MAPPED, KEEP)


def _strictest(rules: Iterable[Rule]) -> Rule:
    return min(rules, key=_STRICT.index)


def _is_number(raw: bytes) -> bool:
    """Tell whether a value of DS or IS holds numbers, padded or not."""
    return _NUMBERS_AS_TEXT.fullmatch(raw) is not None


def _fits(vr: str, known: str) -> bool:
    """Tell whether an element may be what the table means by its VR: text in the place of a number is not."""
    if not vr or not known:
        return True
    if "SQ" in (vr, known):
        return vr == known
    if vr in {"UN", "UI"}:
        return True
    return any({vr, *known.split("/")} <= kind for kind in (_NUMBERS, _BYTES, _TEXT)) or vr in known.split(
        "/"
    )
