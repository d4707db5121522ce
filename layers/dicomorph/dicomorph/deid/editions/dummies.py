"""What takes the place of a value that may neither stay nor be missing (PS3.15 E.1.1, action D)."""

from __future__ import annotations

from dicomorph.deid.editions.profile_table import telling_apart
from dicomorph.deid.editions.resolution import RT_STUDY, Path
from dicomorph.deid.identity import MAPPED
from dicomorph.dicom.engine.edit_plan import DUMMY, KEYED, Action, Dummy, DummyKind, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.model.resources import Json

_REFERENCED_SOP_INSTANCE_UID = 0x00081155
_BY_INSTANCE = Rule(Action.MAP, Namespace.INSTANCE)
_BY_STUDY = Rule(Action.MAP, Namespace.STUDY)
# Text of a form that the dummy of its VR does not have.
_FORMATTED: dict[int, Json] = {0x00080201: "+0000"}  # TimezoneOffsetFromUTC
_UNKNOWN_CODE: Json = {"CodeValue": "261665006", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Unknown"}


def mapped(tag: int, path: Path) -> Rule:
    """Return the rule that maps an identifier."""
    if tag == _REFERENCED_SOP_INSTANCE_UID and path == RT_STUDY:
        return _BY_STUDY
    return MAPPED.get(tag, _BY_INSTANCE)


def dummy_of(tag: int, path: Path) -> Rule:
    """Return the rule that writes a dummy.

    Parameters
    ----------
    tag : int
        The attribute.
    path : Path
        Where it stands.
    """
    if tag in MAPPED or vr_of(tag) == "UI":
        return mapped(tag, path)
    if vr_of(tag) == "SQ":
        return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, [_UNKNOWN_CODE]))
    if tag in _FORMATTED:
        return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, _FORMATTED[tag]))
    return KEYED if tag in telling_apart() else DUMMY
