"""What takes the place of a value that may neither stay nor be missing (PS3.15 E.1.1, action D)."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.deid.editions.profile_table import telling_apart
from dicomorph.deid.editions.replaced_content import dependent_attributes, document_rule, dummy_items
from dicomorph.deid.editions.resolution import RT_STUDY, Path
from dicomorph.deid.identity import MAPPED
from dicomorph.dicom.engine.edit_plan import DUMMY, KEEP, KEYED, REMOVE, Action, Dummy, DummyKind, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.values.leaves import ENCAPSULATED_DOCUMENT
from dicomorph.model.resources import Json

_REFERENCED_SOP_INSTANCE_UID = 0x00081155
_DOCUMENT = frozenset({ENCAPSULATED_DOCUMENT})
# MIMETypeOfEncapsulatedDocument, ListOfMIMETypes, EncapsulatedDocumentLength, HL7InstanceIdentifier
_OF_DOCUMENTS = frozenset({0x00420012, 0x00420014, 0x00420015, 0x0040E001})
_ALONE = frozenset[int]()
_BY_INSTANCE = Rule(Action.MAP, Namespace.INSTANCE)
_BY_STUDY = Rule(Action.MAP, Namespace.STUDY)
# Where the dummy of the VR would not do: TimezoneOffsetFromUTC has a form, and UN has no dummy.
_WRITTEN: dict[int, Json] = {0x00080201: "+0000", 0x0072006D: "ANONYMIZED"}
UNKNOWN_CODE: Json = {"CodeValue": "261665006", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Unknown"}


def mapped(tag: int, path: Path) -> Rule:
    """Return the rule that maps an identifier."""
    if tag == _REFERENCED_SOP_INSTANCE_UID and path == RT_STUDY:
        return _BY_STUDY
    return MAPPED.get(tag, _BY_INSTANCE)


def dummy_of(tag: int, path: Path, sop_class: str) -> Rule:
    """Return the rule that writes a dummy.

    Parameters
    ----------
    tag : int
        The attribute.
    path : Path
        Where it stands.
    sop_class : str
        Of the instance.
    """
    if tag in MAPPED or vr_of(tag) == "UI":
        return mapped(tag, path)
    if vr_of(tag) == "SQ":
        return dummy_items(tag, path, sop_class) or _value([UNKNOWN_CODE])
    if tag in _WRITTEN:
        return _value(_WRITTEN[tag])
    return document_rule(tag, path, sop_class) or (KEYED if tag in telling_apart() else DUMMY)


def without(tag: int, others: Mapping[int, Rule], path: Path, sop_class: str) -> Rule | None:
    """Return what happens to an attribute whose meaning hangs on others, None if it may stand alone.

    Parameters
    ----------
    tag : int
        The attribute.
    others : Mapping[int, Rule]
        What happens to those that `belongs_to` names.
    path : Path
        Where they stand.
    sop_class : str
        Of the instance.
    """
    if not others or KEEP in others.values():
        return None
    if tag in dependent_attributes():
        return REMOVE
    replaced = any(rule.action is Action.DUMMY for rule in others.values())
    return document_rule(tag, path, sop_class) if replaced else None


def belongs_to(tag: int) -> frozenset[int]:
    """Return the attributes without which one makes no sense, or another one."""
    return _DOCUMENT if tag in _OF_DOCUMENTS else dependent_attributes().get(tag, _ALONE)


def _value(value: Json) -> Rule:
    return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, value))
