"""Which private elements stay under the option to retain safe ones (PS3.15 E.3.10)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet

from dicomorph.deid.safe_private import safe_creators, safe_vr
from dicomorph.dicom.engine.block_characteristics import MOST, BlockCharacteristics
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, NO_VALUE, REMOVE, Action, Rule, Verdicts
from dicomorph.dicom.engine.fitting_values import CHECKED, fits
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.engine.private_contents import UNREADABLE, PrivateContents

_MAPPED = Rule(Action.MAP, Namespace.INSTANCE)
# What the data set itself asks for (PS3.3 C.12.1.1.7); what it cannot ask for goes.
_ACTIONS = {"D": DUMMY, "Z": NO_VALUE, "U": _MAPPED, "X": REMOVE}
_FORBIDDEN_GROUPS = frozenset((0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF))  # PS3.5 7.8.1
_NUMBERS = frozenset(("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "DS", "IS", "AT"))
_BYTES = frozenset(("OB", "OW", "OF", "OD", "OL", "OV"))
_STRICT = (REMOVE, NO_VALUE, DUMMY, _MAPPED, KEEP)
_TEXT = frozenset(("CS", "LO", "SH", "LT", "ST", "UC", "UT"))


class SafePrivateJudge:
    """Judges the private elements of data sets by the table, and by what the data sets say themselves.

    That wins over the table: whoever made a file knows best what is in it. What is not said of a
    block that is spoken of in part may identify somebody.

    Parameters
    ----------
    declared : AbstractSet[BlockCharacteristics]
        What the data sets around say of private blocks.
    retains : bool
        Whether safe elements stay. If not, the creators of those do that stay for another reason.
    keeps_uids : bool
        Whether UIDs stay as they are, rather than being mapped.
    """

    __slots__ = ("_by_block", "_declared", "_retains", "_uid")

    def __init__(
        self,
        declared: AbstractSet[BlockCharacteristics] = frozenset(),
        *,
        retains: bool = True,
        keeps_uids: bool = False,
    ) -> None:
        self._declared = frozenset(declared)
        self._retains = retains
        self._uid = KEEP if keeps_uids else _MAPPED
        self._by_block: dict[tuple[int, str], list[BlockCharacteristics]] = {}
        for one in self._declared:
            self._by_block.setdefault((one.group, one.creator), []).append(one)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SafePrivateJudge):
            return False
        return self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> Hashable:
        return self._declared, self._retains, self._uid

    def judge(self, contents: PrivateContents, stays: Callable[[int], bool | None]) -> Verdicts:
        """Judge one data set; what stays, stays with the creator of its block.

        Parameters
        ----------
        contents, stays
            As for `dicom.engine.edit_plan.PrivateJudge`.
        """
        inside = self._with(contents.declared)
        owners: dict[int, str] = {}
        exceptions: dict[int, Rule] = {}
        judged, unjudged = set(), set()
        known = {block for block, creator in contents.creators.items() if inside.knows(block >> 8, creator)}
        for tag in contents.elements:
            block = tag >> 8
            creator = contents.creators[block]
            is_kept = stays(tag)
            if is_kept is None:
                expected = inside.rule(tag, creator) if block in known else REMOVE
                if expected == REMOVE:
                    continue
                rule = inside.rule_of_value(tag, expected, creator, contents)
                if rule != expected:
                    exceptions[tag] = rule
                if rule != REMOVE:
                    owners[block] = creator
                    judged.add((tag >> 16, creator))
            elif is_kept:
                owners[block] = creator
                unjudged.add((tag >> 16, creator))
        described = frozenset(inside.described(judged - unjudged))
        return Verdicts(tuple(owners.items()), tuple(exceptions.items()), described, inside)

    def knows(self, group: int, creator: str) -> bool:
        """Tell whether anything of a block may stay.

        Parameters
        ----------
        group : int
            Of the block.
        creator : str
            Its creator without padding; empty if there is none.
        """
        if not creator or not self._retains or group in _FORBIDDEN_GROUPS:
            return False
        return creator in safe_creators() or (group, creator) in self._by_block

    def rule(self, tag: int, creator: str) -> Rule:
        """Return what happens to an element, as far as its tag tells.

        Parameters
        ----------
        tag : int
            Its tag.
        creator : str
            That of its block, without padding; empty if there is none.
        """
        if not self.knows(tag >> 16, creator):
            return REMOVE
        declared = self._by_block.get((tag >> 16, creator))
        if declared is not None:
            rule = _strictest(_declared_rule(one, tag & 0xFF) for one in declared)
            return self._uid if rule == _MAPPED else rule
        known = safe_vr(creator, tag)
        if known is None:
            return REMOVE
        return self._uid if known == "UI" else KEEP

    def rule_of_value(self, tag: int, rule: Rule, creator: str, contents: PrivateContents) -> Rule:
        """Return what happens to an element that does not go by its tag, after a look at its value.

        Parameters
        ----------
        tag, creator
            As for `rule`.
        rule : Rule
            What that says.
        contents : PrivateContents
            Of the data set.
        """
        vr = contents.vr(tag)
        if vr == UNREADABLE:
            return REMOVE
        known = "" if (tag >> 16, creator) in self._by_block else safe_vr(creator, tag) or ""
        if rule in {DUMMY, _MAPPED}:  # nothing could be written in the place of others
            return REMOVE if vr == "SQ" or (rule == DUMMY and vr in {"", "UN"}) else rule
        if rule == NO_VALUE:
            return rule
        named = (known if vr == "UN" else vr).encode("ascii")
        may_name = vr != "UI" and named in CHECKED and not fits(named, named)(contents.value(tag))
        is_kept = _may_be(vr, known) and not may_name
        return (self._uid if vr == "UI" else KEEP) if is_kept else REMOVE

    def described(self, blocks: AbstractSet[tuple[int, str]]) -> AbstractSet[tuple[int, str]]:
        """Return those blocks, by group and creator, of which something is said."""
        return blocks & self._by_block.keys()

    def _with(self, declared: AbstractSet[BlockCharacteristics]) -> SafePrivateJudge:
        if declared <= self._declared:
            return self
        if len(declared) + len(self._declared) > MOST:  # nobody describes so many
            return self
        return SafePrivateJudge(
            self._declared | declared, retains=self._retains, keeps_uids=self._uid == KEEP
        )


def _declared_rule(declared: BlockCharacteristics, low: int) -> Rule:
    actions = [action for action, bits in declared.actions if bits >> low & 1]
    if actions:
        return _strictest(_ACTIONS.get(action, REMOVE) for action in actions)
    is_named = declared.status == "MIXED" and declared.nonidentifying >> low & 1
    return KEEP if declared.status == "SAFE" or is_named else REMOVE


def _strictest(rules: Iterable[Rule]) -> Rule:
    return min(rules, key=_STRICT.index)


def _may_be(vr: str, known: str) -> bool:
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
